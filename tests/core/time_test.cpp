// Time: conversions round to the nearest tick, and the end of the clock is a clear error.
#include "sim/core/time.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "sim/core/engine.hpp"

namespace paceline {
namespace {

using namespace std::chrono_literals;

std::string overflow_text(double seconds) {
  try {
    (void)span_of(seconds);
  } catch (const std::overflow_error& error) { return error.what(); }
  return "no error";
}

template <class A, class B>
concept can_add = requires(A a, B b) {
  a + b;
};

TEST(Time, RoundsToTheNearestTick) {
  EXPECT_EQ(span_of(1e-12), Span{1});
  EXPECT_EQ(span_of(2.4e-12), Span{2});
  EXPECT_EQ(span_of(2.6e-12), Span{3});
  EXPECT_EQ(span_of(0.001), Span{1ms});
  EXPECT_DOUBLE_EQ(to_seconds(span_of(36.444375e-3)), 36.444375e-3);
}
TEST(Time, WorkAboveZeroTakesATickAndNoWorkNone) {
  EXPECT_EQ(span_of(1e-30), Span{1});
  EXPECT_EQ(span_of(std::numeric_limits<double>::denorm_min()), Span{1});
  EXPECT_EQ(span_of(0), Span{0});
  EXPECT_EQ(span_or_never(0), Span{0});
}
TEST(Time, NegativeAndNaNAreErrorsOfTheProgram) {
  EXPECT_THROW((void)span_of(-1e-9), std::logic_error);
  EXPECT_THROW((void)span_of(std::nan("")), std::logic_error);
  EXPECT_THROW((void)span_or_never(-1), std::logic_error);
}
TEST(Time, PastTheRangeIsAnErrorThatSaysTheDays) {
  EXPECT_EQ(overflow_text(200 * 86400.0), "a simulated time of 200.0 days is beyond the clock's 106 days");
  EXPECT_EQ(overflow_text(106 * 86400.0), "no error");
  EXPECT_NE(overflow_text(std::numeric_limits<double>::infinity()), "no error");
}
TEST(Time, PastTheRangeMayMeanNever) {
  EXPECT_EQ(span_or_never(1e12), Span::max());
  EXPECT_EQ(span_or_never(std::numeric_limits<double>::infinity()), Span::max());
  EXPECT_EQ(span_or_never(1), Span{1s});
}
TEST(Time, NeverStaysNeverAndSumsPastTheRangeAreErrors) {
  const Time now{Span{100 * 24h}};
  EXPECT_EQ(later(now, Span::max()), Time::max());
  EXPECT_EQ(later(Time::max(), Span{1}), Time::max());
  EXPECT_EQ(later(now, Span{24h}), Time{Span{101 * 24h}});
  EXPECT_THROW((void)later(now, Span{10 * 24h}), std::overflow_error);
}
TEST(Time, ASleepPastTheRangeIsAClearErrorAndNeverNeverComes) {
  Engine e;
  auto far = [](Engine& engine) -> Task<> {
    co_await engine.sleep(100 * 24h);
    co_await engine.sleep(100 * 24h);
  };
  e.spawn("far", far(e));
  try {
    e.run();
    FAIL() << "no error";
  } catch (const ProcessFailed& failed) {
    EXPECT_NE(describe(failed).find("200.0 days is beyond the clock's 106 days"), std::string::npos)
        << describe(failed);
  }
  auto never = [](Engine& engine) -> Task<> { co_await engine.sleep(Span::max()); };
  e.spawn("never", never(e), Engine::Kind::daemon);
  EXPECT_EQ(e.run(), Engine::Ended::idle);
  EXPECT_EQ(e.now(), Time{Span{100 * 24h}});
}
TEST(Time, PointsAndSpansAreDistinct) {
  EXPECT_TRUE((can_add<Time, Span>));
  EXPECT_FALSE((can_add<Time, Time>));
  EXPECT_FALSE((std::is_convertible_v<double, Span>));
}

}  // namespace
}  // namespace paceline
