// Pieces of JSON for traces, which are written too often to go through a document.
#pragma once
#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "sim/core/time.hpp"

namespace paceline {

inline void put_json_string(fmt::memory_buffer& out, std::string_view text) {
  out.push_back('"');
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out.push_back('\\');
    if (static_cast<unsigned char>(letter) < 0x20) fmt::format_to(std::back_inserter(out), "\\u{:04x}", int(letter));
    else out.push_back(letter);
  }
  out.push_back('"');
}

// Exact: a tick is a millionth of a microsecond.
inline void put_microseconds(fmt::memory_buffer& out, Span span) {
  const std::int64_t ticks = span.count(), whole = ticks / 1'000'000, part = ticks % 1'000'000;
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), whole);
  if (part == 0) return;
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(".{:06}"), part);
  while (out[out.size() - 1] == '0') out.resize(out.size() - 1);
}

// The length of what begins and ends then, less a tick and four units in the last place of its end as a double: viewers
// add it up in double arithmetic, and what came out too late would overlap what begins at the end.
inline void put_length(fmt::memory_buffer& out, Time from, Time until) {
  const Span margin{1 + (until.time_since_epoch().count() >> 50)};
  put_microseconds(out, std::max(until - from - margin, std::min(until - from, Span{1})));
}

}  // namespace paceline
