// What a worker keeps on its device against its memory: sums by hand, by level of sharding, optimizer and batch.
#include "sim/experiment/memory.hpp"

#include <gtest/gtest.h>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

// 784 inputs, 100 hidden units, 10 classes: 79,510 parameters, 318,040 B. Layers move 4 (784 + 100) + 8·100 + 4 (100 +
// 10) = 4,776 B a sample, of which half is kept: 2,388 B.
constexpr double parameters = 318'040, kept = 2'388;

std::vector<std::string> scenario(const std::string& memory, std::vector<std::string> more = {}) {
  more.insert(more.begin(),
              {"cluster.workers=4", "workload.batch_size=32", R"(workload.model={"kind": "mlp", "hidden": [100]})",
               R"(workload.dataset={"kind": "fashion_mnist"})",
               fmt::format(R"(cluster.device={{"peak": "1TFLOPS", "efficiency": 1, "memory_bandwidth": "1GBps", )"
                           R"("memory": "{}", "launch_overhead": "0s"}})",
                           memory)});
  return more;
}

MemoryNeed need(const std::vector<std::string>& more, int worker = 0) {
  const Spec spec = parse("tests/data/scenarios/timing.json", scenario("1TB", more));
  const auto model = spec.model.make(spec.dataset.shape());
  return memory_need(spec, *model, *make_cost(spec, *model, spec.batch_sizes), worker);
}

TEST(Memory, IsParametersGradientsOptimizerAndActivations) {
  const MemoryNeed plain = need({});
  EXPECT_EQ(plain.parameters, parameters);
  EXPECT_EQ(plain.gradients, parameters);
  EXPECT_EQ(plain.optimizer, 0);
  EXPECT_EQ(plain.activations, 32 * kept);
  EXPECT_EQ(need({"workload.batch_size=[1, 2, 3, 40]"}, 3).activations, 40 * kept);
  EXPECT_EQ(need({R"(training.strategy={"kind": "bsp", "accumulate": 8})"}).activations, 32 * kept);
  EXPECT_EQ(need({"workload.cost.gradient=100MB"}).sum(), 2 * 100e6 + 32 * kept);
}

TEST(Memory, HoldsWhatTheOptimizerKeepsForEachParameter) {
  const std::map<std::string, int> kept_by{{R"({"kind": "sgd", "learning_rate": 0.1})", 0},
                                           {R"({"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9})", 1},
                                           {R"({"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9, "clip": 1})", 1},
                                           {R"({"kind": "lars", "learning_rate": 0.1})", 1},
                                           {R"({"kind": "adam", "learning_rate": 0.1})", 2},
                                           {R"({"kind": "adamw", "learning_rate": 0.1, "clip": 1})", 2},
                                           {R"({"kind": "lamb", "learning_rate": 0.1})", 2}};
  std::set<std::string> seen;
  for (const auto& [optimizer, numbers] : kept_by) {
    EXPECT_EQ(need({"training.optimizer=" + optimizer}).optimizer, numbers * parameters) << optimizer;
    // Where servers step, it is theirs.
    EXPECT_EQ(need({"training.optimizer=" + optimizer, R"(training.strategy={"kind": "async"})"}).optimizer, 0);
    for (const std::string& kind : optimizers::all().kinds())
      if (optimizer.find('"' + kind + '"') != optimizer.npos) seen.insert(kind);
  }
  EXPECT_EQ(seen.size(), optimizers::all().kinds().size()) << "an optimizer is missing here";
}

TEST(Memory, IsSplitByShardingLevel) {
  const auto level = [](const char* name) {
    return need({R"(training.optimizer={"kind": "adam", "learning_rate": 0.1})",
                 fmt::format(R"(training.strategy={{"kind": "bsp", "sharding": "{}"}})", name)});
  };
  const double a = 32 * kept;
  EXPECT_EQ(level("none").sum(), 4 * parameters + a);
  EXPECT_EQ(level("zero1").sum(), 2 * parameters + 2 * parameters / 4 + a);
  EXPECT_EQ(level("zero2").sum(), parameters + 3 * parameters / 4 + a);
  EXPECT_EQ(level("zero3").sum(), 4 * parameters / 4 + a);
}

TEST(Memory, ThatDoesNotHoldThemIsAnErrorOrAWarningWithTheSum) {
  const std::string sum =
      "worker 0 needs 712.5 kB of memory, and its device has 700.0 kB: parameters 318.0 kB + gradients 318.0 kB + "
      "optimizer 0 B + activations 76.42 kB (batch 32)";
  try {
    parse("tests/data/scenarios/timing.json", scenario("700kB"));
    FAIL() << "it does not fit";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("/cluster/device: " + sum), std::string::npos) << error.what();
  }
  const auto notes = [](const char* check) {
    return parse("tests/data/scenarios/timing.json", scenario("700kB", {std::string("cluster.memory_check=") + check}))
        .notes;
  };
  const auto warned = notes("warn");
  EXPECT_TRUE(
      std::any_of(warned.begin(), warned.end(), [&](const std::string& note) { return note.find(sum) != note.npos; }));
  EXPECT_EQ(notes("off").size() + 1, warned.size());
  EXPECT_NO_THROW(parse("tests/data/scenarios/timing.json", scenario("713kB")));
}

// The sum by hand again, worker by worker: only the last one's batch is too big for its device.
TEST(Memory, IsCheckedForEveryWorker) {
  try {
    parse("tests/data/scenarios/timing.json", scenario("700kB", {"workload.batch_size=[1, 1, 1, 100]"}));
    FAIL() << "it does not fit";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("worker 3 needs 874.9 kB"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace paceline::test
