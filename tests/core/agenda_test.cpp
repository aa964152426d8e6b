// The agenda against a std::set that is ordered by (time, order of scheduling).
#include "sim/core/agenda.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

namespace paceline {
namespace {

constexpr Agenda::Call call = [](void*, std::uint32_t) {};

std::vector<std::uint32_t> drain(Agenda& agenda) {
  std::vector<std::uint32_t> fired;
  Agenda::Ticks at = 0;
  for (;;) {
    for (Agenda::Event event; agenda.next(event);) fired.push_back(event.what);
    if (!agenda.peek(at)) return fired;
    agenda.advance();
  }
}

TEST(Agenda, FiresByTimeThenByOrderOfScheduling) {
  Agenda agenda;
  for (const auto& [at, what] : std::vector<std::pair<int, unsigned>>{{5, 0}, {3, 1}, {5, 2}, {0, 3}, {3, 4}, {0, 5}})
    agenda.schedule(at, &agenda, call, what);
  EXPECT_EQ(drain(agenda), (std::vector<std::uint32_t>{3, 5, 1, 4, 0, 2}));
}
TEST(Agenda, ThePastIsRefused) {
  Agenda agenda;
  Agenda::Ticks at = 0;
  agenda.schedule(7, &agenda, call, 0);
  ASSERT_TRUE(agenda.peek(at));
  agenda.advance();
  EXPECT_THROW(agenda.schedule(6, &agenda, call, 0), std::logic_error);
}
TEST(Agenda, ATimeOfWhichAllWasCancelledNeverComes) {
  Agenda agenda;
  std::vector<Agenda::Ticket> tickets;
  for (unsigned i = 0; i < 5; ++i) tickets.push_back(agenda.schedule(10, &agenda, call, i));
  agenda.schedule(4, &agenda, call, 9);
  for (const unsigned i : {0u, 4u, 2u, 1u, 3u}) agenda.cancel(tickets[i]);
  EXPECT_EQ(drain(agenda), (std::vector<std::uint32_t>{9}));
  EXPECT_EQ(agenda.now(), 4);
}
TEST(Agenda, ARunKeepsItsPlaceWhenItsFirstEventIsCancelled) {
  Agenda agenda;
  const auto first = agenda.schedule(10, &agenda, call, 0);
  agenda.schedule(10, &agenda, call, 1);
  agenda.cancel(first);
  agenda.schedule(10, &agenda, call, 2);
  EXPECT_EQ(agenda.runs(), 1u);
  EXPECT_EQ(drain(agenda), (std::vector<std::uint32_t>{1, 2}));
}

// Schedules and cancels at random, before the run and in it; few or many distinct times.
void compare_with_set(std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t n) { return std::uint32_t(random()) % n; };
  const std::uint32_t times = std::vector<std::uint32_t>{3, 40, 1000, 1u << 30}[below(4)];
  const std::uint32_t cancels = below(100);
  Agenda agenda;
  std::set<std::pair<Agenda::Ticks, std::uint32_t>> model;
  std::map<std::uint32_t, std::pair<Agenda::Ticks, Agenda::Ticket>> pending;
  std::uint32_t number = 0;
  const auto schedule = [&] {
    const Agenda::Ticks at = agenda.now() + below(times);
    pending[number] = {at, agenda.schedule(at, &agenda, call, number)};
    model.emplace(at, number++);
  };
  const auto cancel = [&] {
    if (pending.empty()) return;
    auto victim = pending.lower_bound(below(number));
    if (victim == pending.end()) victim = pending.begin();
    agenda.cancel(victim->second.second);
    model.erase({victim->second.first, victim->first});
    pending.erase(victim);
  };
  for (std::uint32_t i = 0, n = 1 + below(300); i < n; ++i) schedule();
  Agenda::Ticks at = 0;
  while (number < 4000) {
    for (Agenda::Event event; agenda.next(event);) {
      ASSERT_FALSE(model.empty());
      ASSERT_EQ(*model.begin(), std::make_pair(agenda.now(), event.what)) << "seed " << seed;
      model.erase(model.begin());
      pending.erase(event.what);
      for (std::uint32_t i = below(3); i > 0; --i) schedule();
      if (below(100) < cancels) cancel();
      if (number >= 4000) break;
    }
    if (number >= 4000) break;
    if (!agenda.peek(at)) {
      ASSERT_TRUE(model.empty()) << "seed " << seed;
      schedule();
      continue;
    }
    ASSERT_EQ(at, model.begin()->first) << "seed " << seed;
    agenda.advance();
  }
  for (const auto what : drain(agenda)) {
    ASSERT_FALSE(model.empty());
    ASSERT_EQ(model.begin()->second, what) << "seed " << seed;
    model.erase(model.begin());
  }
  EXPECT_TRUE(model.empty());
}
TEST(Agenda, AgreesWithAnOrderedSetUnderRandomSchedulingAndCancelling) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    compare_with_set(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace paceline
