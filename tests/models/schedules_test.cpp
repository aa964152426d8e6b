// Schedules against their closed forms.
#include <gtest/gtest.h>

#include <numbers>

#include "models/schedule.hpp"
#include "sim/core/errors.hpp"
#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

double factor(std::string_view object, double epochs, double steps = 0) {
  return read_kind(schedules::all(), object)({epochs, steps});
}

TEST(Schedules, ConstantIsOne) { EXPECT_EQ(factor(R"({"kind": "constant"})", 7, 1'000), 1); }

TEST(Schedules, StepFallsAtEveryMilestone) {
  const char* goyal = R"({"kind": "step", "milestones": [30, 60, 80]})";
  for (const auto& [epochs, expected] :
       {std::pair(0.0, 1.0), {29.99, 1.0}, {30.0, 0.1}, {59.0, 0.1}, {60.0, 0.01}, {80.0, 0.001}, {1e6, 0.001}})
    EXPECT_DOUBLE_EQ(factor(goyal, epochs), expected) << epochs;
  EXPECT_EQ(factor(R"({"kind": "step", "milestones": [10], "unit": "steps", "factor": 0.5})", 99, 9), 1);
  EXPECT_EQ(factor(R"({"kind": "step", "milestones": [10], "unit": "steps", "factor": 0.5})", 0, 10), 0.5);
}

TEST(Schedules, StepFallsEverySoOften) {
  const char* often = R"({"kind": "step", "every": 0.1, "factor": 0.5})";
  for (int n = 0; n < 40; ++n) {
    EXPECT_DOUBLE_EQ(factor(often, n * 0.1), std::pow(0.5, n)) << n;
    EXPECT_DOUBLE_EQ(factor(often, n * 0.1 + 0.05), std::pow(0.5, n)) << n;
  }
}

TEST(Schedules, CosineGoesFromOneToItsMinimumAndStaysThere) {
  const char* half = R"({"kind": "cosine", "epochs": 8, "minimum": 0.1})";
  for (double t = 0; t <= 8; t += 0.25)
    EXPECT_NEAR(factor(half, t), 0.55 + 0.45 * std::cos(std::numbers::pi * t / 8), 1e-15);
  EXPECT_EQ(factor(half, 0), 1);
  EXPECT_EQ(factor(half, 1'000), 0.1);
  EXPECT_NEAR(factor(R"({"kind": "cosine", "steps": 100})", 0, 50), 0.5, 1e-15);
}

TEST(Schedules, LinearWarmupClimbsToTheNextOne) {
  const char* climb = R"({"kind": "linear_warmup", "epochs": 5, "start": 0.2,
                          "schedule": {"kind": "step", "milestones": [30]}})";
  for (double t = 0; t <= 5; t += 0.5) EXPECT_NEAR(factor(climb, t), 0.2 + 0.8 * t / 5, 1e-15);
  EXPECT_EQ(factor(climb, 29), 1);
  EXPECT_DOUBLE_EQ(factor(climb, 30), 0.1);
  EXPECT_EQ(factor(R"({"kind": "linear_warmup", "steps": 4})", 0, 0), 0);
  EXPECT_EQ(factor(R"({"kind": "linear_warmup", "steps": 4})", 0, 3), 0.75);
}

TEST(Schedules, LinearScalingIsByWorkers) {
  Node node = parse_document(R"({"it": {"kind": "linear_scaling", "base_workers": 8,
                                        "schedule": {"kind": "linear_warmup", "steps": 2, "start": 0.5}}})",
                             "test");
  Reader::Context context;
  context.workers = 12;
  const Schedule made = Reader(node, "", context).kind("it", schedules::all(), {});
  EXPECT_EQ(made({0, 0}), 0.75);
  EXPECT_EQ(made({0, 2}), 1.5);
}

TEST(Schedules, RejectKeysThatMakeNoSense) {
  for (const auto& [object, rule] :
       {std::pair(R"({"kind": "cosine"})", "/it: needs a length: either \"epochs\" or \"steps\""),
        std::pair(R"({"kind": "cosine", "epochs": 1, "steps": 1})", "/it/steps: needs a length"),
        std::pair(R"({"kind": "linear_warmup", "epoch": 1})", "did you mean \"epochs\"?"),
        std::pair(R"({"kind": "step"})", "/it: needs either \"every\" or \"milestones\""),
        std::pair(R"({"kind": "step", "every": 3, "milestones": [3]})", "/it/milestones: needs either"),
        std::pair(R"({"kind": "step", "milestones": [3, 3]})", "/it/milestones: must ascend"),
        std::pair(R"({"kind": "linear_scaling", "base_workers": 0})", "/it/base_workers"),
        std::pair(R"({"kind": "linear_scaling", "schedule": {"kind": "cosin"}})", "did you mean \"cosine\"?")})
    try {
      read_kind(schedules::all(), object);
      ADD_FAILURE() << object << " was taken";
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find(rule), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace paceline::testing
