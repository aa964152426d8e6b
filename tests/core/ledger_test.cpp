// Ledger: which arrays it knows, under which ordinals, and that either may go first.
#include "sim/core/ledger.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace paceline::test {
namespace {

std::vector<std::uint64_t> ordinals(const Ledger& ledger) {
  std::vector<std::uint64_t> all;
  for (const Ledger::Array& array : ledger.arrays()) all.push_back(array.ordinal);
  return all;
}
using Ordinals = std::vector<std::uint64_t>;

TEST(Ledger, KnowsTheArraysOfItsScopeInTheOrderOfTheirMaking) {
  const Values before(3);
  Ledger ledger;
  std::optional<Ledger::Scope> scope(ledger);
  const Values a(2, 1.5f), none;
  std::optional<Values> b(std::in_place, 4);
  const Numbers<double> c(1, 2.5);
  EXPECT_EQ(ordinals(ledger), (Ordinals{0, 1, 2}));
  b.reset();
  EXPECT_EQ(ordinals(ledger), (Ordinals{0, 2}));
  const Values d = a;
  EXPECT_EQ(ordinals(ledger), (Ordinals{0, 2, 3}));  // no ordinal comes twice
  std::thread([] { const Values elsewhere(5); }).join();
  scope.reset();
  const Values after(3);
  ASSERT_EQ(ordinals(ledger), (Ordinals{0, 2, 3}));
  EXPECT_EQ(ledger.arrays()[0].bytes.size(), 8u);
  EXPECT_EQ(static_cast<const void*>(ledger.arrays()[1].bytes.data()), c.data());
}

TEST(Ledger, FollowsArraysThatMoveAndForgetsThemWhenTheyGrow) {
  Ledger ledger;
  const Ledger::Scope scope(ledger);
  Values a(2, 1.0f);
  Values b = std::move(a);
  EXPECT_EQ(ordinals(ledger), (Ordinals{0}));
  b.resize(100, 2.0f);
  EXPECT_EQ(ordinals(ledger), (Ordinals{1}));
  EXPECT_EQ(b[0], 1.0f);
}

TEST(Ledger, OfTwoScopesTheInnerOneHolds) {
  Ledger outer, inner;
  const Ledger::Scope one(outer);
  const Values a(1);
  std::optional<Ledger::Scope> two(inner);
  const Values b(1);
  two.reset();
  const Values c(1);
  EXPECT_EQ(ordinals(outer), (Ordinals{0, 1}));
  EXPECT_EQ(ordinals(inner), (Ordinals{0}));
}

TEST(Ledger, MayGoBeforeItsArrays) {
  std::optional<Ledger> ledger(std::in_place);
  Values a, b;
  {
    const Ledger::Scope scope(*ledger);
    a.resize(2);
    b.resize(3);
  }
  ledger.reset();
  a = Values();
  b.resize(1000);
  EXPECT_EQ(b.size(), 1000u);
}

}  // namespace
}  // namespace paceline::test
