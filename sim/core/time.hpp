// Simulated time: an integer count of picoseconds, with the standard library's own type rules
// (a point minus a point is a span; a point plus a point does not compile). Range: 106 days.
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace paceline {

using Span = std::chrono::duration<std::int64_t, std::pico>;
struct Clock {
  using rep = Span::rep;
  using period = Span::period;
  using duration = Span;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};
using Time = Clock::time_point;

inline double to_seconds(Span s) { return static_cast<double>(s.count()) / 1e12; }
inline double to_seconds(Time t) { return to_seconds(t.time_since_epoch()); }

namespace detail {
// The nearest tick, at least 1 for seconds > 0; from 2^63 on it is beyond the clock. Throws logic_error.
inline double ticks_of(double seconds) {
  if (!(seconds >= 0)) throw std::logic_error("a span of " + std::to_string(seconds) + " seconds is no duration");
  return seconds > 0 ? std::max(1.0, std::round(seconds * 1e12)) : 0.0;
}
[[noreturn]] inline void beyond_the_clock(double seconds) {
  char text[400];  // %.1f of the largest double has 311 characters
  std::snprintf(text, sizeof text, "a simulated time of %.1f days is beyond the clock's 106 days", seconds / 86400);
  throw std::overflow_error(text);
}
}  // namespace detail

// The nearest tick; never below 1 for seconds > 0, exactly 0 for 0.
// Throws std::logic_error for a negative number or NaN, std::overflow_error past the clock's range.
inline Span span_of(double seconds) {
  const double ticks = detail::ticks_of(seconds);
  if (ticks >= 0x1p63) detail::beyond_the_clock(seconds);
  return Span{static_cast<std::int64_t>(ticks)};
}

// The same; past the range it is Span::max(), which means never.
inline Span span_or_never(double seconds) {
  const double ticks = detail::ticks_of(seconds);
  return ticks >= 0x1p63 ? Span::max() : Span{static_cast<std::int64_t>(ticks)};
}

// at + span; never (the maximum of either) stays never. Throws std::overflow_error past the range.
inline Time later(Time at, Span span) {
  if (span == Span::max() || at == Time::max()) return Time::max();
  std::int64_t ticks = 0;
  if (__builtin_add_overflow(at.time_since_epoch().count(), span.count(), &ticks))
    detail::beyond_the_clock(to_seconds(at) + to_seconds(span));
  return Time{Span{ticks}};
}

// The same where what is beyond the clock never comes.
inline Time later_or_never(Time at, Span span) { return span < Time::max() - at ? at + span : Time::max(); }

}  // namespace paceline
