// TraceSpec: which part of a run is traced, and how.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "sim/core/reader.hpp"
#include "sim/core/time.hpp"

namespace paceline {

struct TraceSpec {
  enum class Format { chrome, perfetto, hta };
  // Of what is shown on lanes: each can be left out.
  struct Shown {
    bool steps = true, compute = true, communication = true, blocked = true, messages = true, links = true,
         counters = true;
  };

  bool on = false;
  Format format = Format::chrome;
  std::int64_t first_step = 0, end_step = std::numeric_limits<std::int64_t>::max();  // of each worker's own
  Time from{}, until = Time::max();
  std::vector<int> workers;  // empty: all
  Shown shown;
  std::uint64_t most_events = 1'000'000;  // then the trace ends

  // Whether a window says when it ends, so that no bound on events is needed.
  bool is_bounded() const { return end_step < std::numeric_limits<std::int64_t>::max() || until < Time::max(); }
};

// `output.trace`.
TraceSpec read_trace(Reader& in);
// "" for formats that are folders of files.
const char* extension_of(TraceSpec::Format format);

}  // namespace paceline
