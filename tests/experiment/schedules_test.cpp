// Schedules and optimizers in whole runs: through every way in which a strategy updates, and never in the events.
#include <gtest/gtest.h>

#include "models/schedule.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

const std::string blobs = "tests/data/scenarios/blobs.json";

const std::vector<std::pair<const char*, const char*>> ways{
    {"all_reduce", R"({"kind": "bsp"})"},
    {"servers", R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})"},
    {"async", R"({"kind": "async"})"},
    {"local", R"({"kind": "local_sgd", "period": 4})"},
};

std::vector<std::string> with(std::vector<std::string> sets, const std::string& strategy) {
  sets.push_back("training.strategy=" + strategy);
  return sets;
}

// The rate is scaled by ¼ for all of the run: a schedule that does it, and an optimizer that has that rate.
TEST(ScheduledRuns, AFactorIsThatOfTheLearningRate) {
  for (const auto& [name, strategy] : ways) {
    const auto scaled =
        run(blobs, with({R"(training.schedule={"kind": "linear_scaling", "base_workers": 16})"}, strategy));
    const auto given = run(blobs, with({"training.optimizer.learning_rate=0.0125"}, strategy));
    EXPECT_EQ(*scaled.parameters, *given.parameters) << name;
    EXPECT_NE(*scaled.parameters, *run(blobs, with({}, strategy)).parameters) << name;
  }
}

// With a rate of 0 from step 10 on, the run's end is its tenth step.
TEST(ScheduledRuns, AStepIsTheOneThatHasPassedBeforeTheUpdate) {
  const std::string off = R"(training.schedule={"kind": "step", "milestones": [10], "unit": "steps", "factor": 0})";
  for (const auto& [name, strategy] : ways) {
    if (std::string(name) == "local") continue;  // its steps end apart
    const auto stopped = run(blobs, with({off}, strategy));
    EXPECT_EQ(*stopped.parameters, *run(blobs, with({"training.stop.steps=10"}, strategy)).parameters) << name;
  }
}

TEST(ScheduledRuns, EpochsCountAsWell) {
  const std::string off = R"(training.schedule={"kind": "step", "every": 0.32, "factor": 0})";  // 10 of 32 rows of 1000
  EXPECT_EQ(*run(blobs, {off}).parameters, *run(blobs, {"training.stop.steps=10"}).parameters);
}

TEST(ScheduledRuns, EveryOptimizerAndScheduleHasTheSameEvents) {
  const auto plain = run(blobs).results.fingerprint;
  for (const std::string& kind : optimizers::all().kinds()) {
    const auto made =
        run(blobs, {fmt::format(R"(training.optimizer={{"kind": "{}", "learning_rate": 0.01, "clip": 1}})", kind)});
    EXPECT_EQ(made.results.fingerprint, plain) << kind;
    EXPECT_TRUE(made.results.all_hold()) << kind;
    EXPECT_LT(made.results.curve.back().test_loss.value(), made.results.curve.front().test_loss.value()) << kind;
  }
  for (const char* schedule : {R"({"kind": "cosine", "epochs": 1})", R"({"kind": "linear_warmup", "steps": 7})"})
    EXPECT_EQ(run(blobs, {std::string("training.schedule=") + schedule}).results.fingerprint, plain) << schedule;
}

// Sgd and adam are entry by entry: slices change nothing. The layer-wise ones see pieces of tensors.
TEST(ScheduledRuns, SlicesOfServersAreAllTheSameToWhatGoesEntryByEntry) {
  const std::string strategy = R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})";
  for (const std::string kind : {"adam", "adamw", "lamb", "lars"}) {
    const std::string optimizer = fmt::format(R"(training.optimizer={{"kind": "{}", "learning_rate": 0.01}})", kind);
    const auto one = run(blobs, with({optimizer}, strategy));
    const auto three = run(blobs, with({optimizer, "cluster.servers.count=3"}, strategy));
    EXPECT_EQ(*one.parameters == *three.parameters, kind.starts_with("adam")) << kind;
  }
}

}  // namespace
}  // namespace paceline::test
