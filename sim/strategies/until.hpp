// Until: work that is given up when a counter reaches a value.
#pragma once
#include "sim/core/sync.hpp"

namespace paceline {

inline Task<> reaches(Counter& counter, std::int64_t goal) { co_await counter.reaches(goal); }

namespace detail {
inline Task<> then_for_ever(Engine& engine, Task<> work) {
  co_await work;
  co_await engine.sleep(Span::max());
}
}  // namespace detail

// Works until the counter is at the goal, also when the work is through before; then it is cancelled.
inline Task<> until_reached(Engine& engine, Counter& counter, std::int64_t goal, Task<> work) {
  std::vector<Task<>> either;
  either.push_back(reaches(counter, goal));
  either.push_back(detail::then_for_ever(engine, std::move(work)));
  co_await first_of(engine, std::move(either));
}

}  // namespace paceline
