// Batches: which rows they take, of one order for all or of each worker's own, and uneven batches in whole runs.
#include "sim/strategies/batches.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Order = std::vector<std::uint32_t>;

Order batch(Batches& of, int worker, std::int64_t k) {
  Order rows;
  of.append(worker, k, rows);
  return rows;
}

TEST(Batches, OfUnevenSizesAreDealtRoundByRound) {
  Batches made(10, {1, 3, 2}, false, 1);
  EXPECT_EQ(made.round(), 6u);
  EXPECT_EQ(made.size(1), 3);
  EXPECT_EQ(batch(made, 0, 0), (Order{0}));
  EXPECT_EQ(batch(made, 1, 0), (Order{1, 2, 3}));
  EXPECT_EQ(batch(made, 2, 0), (Order{4, 5}));
  EXPECT_EQ(batch(made, 1, 1), (Order{7, 8, 9}));
  EXPECT_EQ(batch(made, 2, 1), (Order{0, 1}));  // the next pass
}

TEST(Batches, OfUnevenSizesTakeEachRowOnceAPass) {
  Batches made(60, {1, 3, 2}, true, 1);
  Order all;
  for (std::int64_t k = 0; k < 10; ++k)
    for (int w = 0; w < 3; ++w) made.append(w, k, all);
  std::sort(all.begin(), all.end());
  for (std::uint32_t row = 0; row < 60; ++row) EXPECT_EQ(all[row], row);
}

TEST(Batches, OfSharesGoThroughAWorkersOwnRowsInFileOrder) {
  Batches made(6, {2, 3}, false, 1, {{0, 2, 5}, {1, 3, 4}});
  EXPECT_EQ(batch(made, 0, 0), (Order{0, 2}));
  EXPECT_EQ(batch(made, 0, 1), (Order{5, 0}));
  EXPECT_EQ(batch(made, 0, 2), (Order{2, 5}));
  EXPECT_EQ(batch(made, 1, 7), (Order{1, 3, 4}));
}

TEST(Batches, OfSharesTakeEachRowOnceAPassInAnotherOrderEachTime) {
  Order share;
  for (std::uint32_t row = 0; row < 40; ++row) share.push_back(3 * row);
  Batches made(120, {7, 40}, true, 1, {share, share});
  std::vector<Order> passes;
  Order all;
  for (std::int64_t k = 0; k < 40; ++k) made.append(0, k, all);  // 7 passes
  for (std::size_t pass = 0; pass < 7; ++pass)
    passes.emplace_back(all.begin() + std::ptrdiff_t(40 * pass), all.begin() + std::ptrdiff_t(40 * (pass + 1)));
  EXPECT_NE(passes[0], passes[1]);
  EXPECT_NE(passes[0], batch(made, 1, 0));  // another worker has another order
  EXPECT_EQ(passes[3], passes[3]);
  for (Order& pass : passes) {
    std::sort(pass.begin(), pass.end());
    EXPECT_EQ(pass, share);
  }
  const Order late = batch(made, 0, 39), early = batch(made, 0, 0);  // back and forth
  EXPECT_EQ(early, Order(all.begin(), all.begin() + 7));
  EXPECT_EQ(late, Order(all.end() - 7, all.end()));
}

const std::string blobs = "tests/data/scenarios/blobs.json";
const std::vector<std::string> aggregates{R"({"kind": "all_reduce"})", R"({"kind": "parameter_server"})"};

std::vector<std::string> bsp(const std::string& aggregate, const std::string& more,
                             std::vector<std::string> sets = {}) {
  sets.push_back(R"(training.strategy={"kind": "bsp", "aggregate": )" + aggregate + more + "}");
  return sets;
}

// 16 rows by any split of them are one batch of 16: weighted means are the serial gradient. Orders of summation differ.
TEST(UnevenBatches, WeightedMeansAreThoseOfTheWholeBatch) {
  for (const std::string& aggregate : aggregates) {
    const auto even = run(blobs, bsp(aggregate, "", {"workload.batch_size=4"}));
    const auto uneven = run(blobs, bsp(aggregate, "", {"workload.batch_size=[1, 9, 4, 2]"}));
    EXPECT_EQ(uneven.results.samples, even.results.samples);
    EXPECT_EQ(uneven.results.epochs, 40 * 16 / 1000.0);
    EXPECT_TRUE(uneven.results.all_hold());
    EXPECT_EQ(uneven.results.workers[1].samples, 9 * 40);
    for (std::size_t i = 0; i < even.parameters->size(); ++i)
      ASSERT_NEAR((*uneven.parameters)[i], (*even.parameters)[i], 2e-5) << aggregate << ", entry " << i;
  }
}

// Uniform means of even batches are weighted ones; of uneven ones they are not.
TEST(UnevenBatches, UniformMeansCountEveryWorkerTheSame) {
  for (const std::string& aggregate : aggregates) {
    const std::string uniform = R"(, "averaging": "uniform")";
    EXPECT_EQ(*run(blobs, bsp(aggregate, uniform)).parameters, *run(blobs, bsp(aggregate, "")).parameters);
    const std::vector<std::string> sizes{"workload.batch_size=[1, 9, 4, 2]"};
    const auto same = run(blobs, bsp(aggregate, uniform, sizes)), by_size = run(blobs, bsp(aggregate, "", sizes));
    EXPECT_NE(*same.parameters, *by_size.parameters);
    EXPECT_TRUE(same.results.all_hold());
    EXPECT_EQ(same.results.fingerprint, by_size.results.fingerprint);
  }
}

// One step of two workers by hand: x1 = x0 − η (g_0/2 + g_1/2), with g_w what one worker alone would have taken.
TEST(UnevenBatches, AUniformMeanByHand) {
  const std::vector<std::string> one_step{"training.stop.steps=1", "training.optimizer.momentum=0",
                                          "workload.order={\"kind\": \"sequential\"}", "cluster.stragglers=[]"};
  const auto after = [&](const std::string& workers, const std::string& sizes, const std::string& averaging) {
    auto sets = one_step;
    sets.push_back("cluster.workers=" + workers);
    sets.push_back("workload.batch_size=" + sizes);
    return *run(blobs, bsp(aggregates[0], ", \"averaging\": \"" + averaging + "\"", sets)).parameters;
  };
  const Values first = after("1", "3", "weighted"), all = after("1", "12", "weighted");
  const Values uniform = after("2", "[3, 9]", "uniform"), weighted = after("2", "[3, 9]", "weighted");
  const Spec spec = parse(blobs);
  const std::vector<float> start = initial_parameters(*spec.model.make(spec.dataset.shape()), spec.seed);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double step_0 = first[i] - start[i], step_all = all[i] - start[i];
    const double step_1 = (12 * step_all - 3 * step_0) / 9;
    EXPECT_NEAR(weighted[i], all[i], 1e-6) << i;
    EXPECT_NEAR(uniform[i], start[i] + (step_0 + step_1) / 2, 1e-6) << i;
  }
}

// 400 rows of 1,000 in rounds of 16: 25 steps; and of its 4 workers' batches the costs are in proportion.
TEST(UnevenBatches, EpochsAndCostsGoByTheirSizes) {
  const std::vector<std::string> sets{"training.stop={\"epochs\": 0.4}", "workload.batch_size=[1, 9, 4, 2]",
                                      "cluster.jitter={\"kind\": \"constant\"}", "cluster.stragglers=[]"};
  for (const std::string& aggregate : aggregates) {
    const auto made = run(blobs, bsp(aggregate, "", sets));
    EXPECT_EQ(made.results.steps, 25) << aggregate;
    EXPECT_EQ(made.results.reason, "epochs");
    for (const auto& [worker, rows] : {std::pair(0, 1), {1, 9}, {2, 4}, {3, 2}})
      EXPECT_NEAR(made.of_worker(worker, "compute_s")[3] - (aggregate == aggregates[0] ? 10e-6 : 0), 300e-6 * rows / 4,
                  1e-11);
  }
}

TEST(UnevenBatches, MustBeOneForEachWorker) {
  try {
    parse(blobs, {"workload.batch_size=[8, 8]"});
    ADD_FAILURE();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what())
                  .find("/workload/batch_size: must be an integer, or a list of 4, one for each worker, not of 2"),
              std::string::npos)
        << error.what();
  }
  EXPECT_THROW(parse(blobs, {"workload.batch_size=[8, 8, 0, 8]"}), ConfigError);
  EXPECT_THROW(parse(blobs, {"workload.batch_size=2.5"}), ConfigError);
}

const std::vector<std::string> partitioned{
    R"({"kind": "iid"})",
    R"({"kind": "by_label"})",
    R"({"kind": "dirichlet", "alpha": 0.3})",
    R"({"kind": "weighted", "weights": [1, 2, 3, 4]})",
};

TEST(Partitioned, RunsAreTheSameOnAnyThreadsAndTheirClockKnowsNothingOfIt) {
  const auto shared = run(blobs).results.fingerprint;
  for (const std::string& rule : partitioned)
    for (const std::string strategy : {R"({"kind": "bsp"})", R"({"kind": "async"})"}) {
      const std::vector<std::string> sets{"workload.partition=" + rule, "training.strategy=" + strategy};
      const auto one = run(blobs, sets), two = run(blobs, sets, 2);
      EXPECT_EQ(*one.parameters, *two.parameters) << rule;
      auto timing = sets;
      timing.push_back("numerics=false");
      EXPECT_EQ(run(blobs, timing).results.fingerprint, one.results.fingerprint) << rule;
      if (strategy.find("bsp") != strategy.npos) { EXPECT_EQ(one.results.fingerprint, shared) << rule; }
      EXPECT_TRUE(one.results.all_hold()) << rule;
    }
}

TEST(Partitioned, ResultsTellRowsAndLabelsOfEveryWorker) {
  for (const std::string& rule : partitioned) {
    const Results results = run(blobs, {"workload.partition=" + rule}).results;
    std::int64_t rows = 0;
    for (const WorkerResult& worker : results.workers) {
      rows += worker.partition_rows.value();
      std::int64_t labelled = 0;
      for (std::int64_t count : worker.label_counts) labelled += count;
      EXPECT_EQ(worker.label_counts.size(), 10u) << rule;
      EXPECT_EQ(labelled, worker.partition_rows) << rule;
    }
    EXPECT_EQ(rows, 1000) << rule;
  }
  for (const WorkerResult& worker : run(blobs).results.workers) {
    EXPECT_EQ(worker.partition_rows, 1000);
    EXPECT_TRUE(worker.label_counts.empty());
  }
  EXPECT_FALSE(run(blobs, {"numerics=false"}).results.workers[0].partition_rows);
}

TEST(Partitioned, ProportionalGoesByTheDevices) {
  const std::vector<std::string> sets{
      R"(workload.partition={"kind": "proportional"})",
      R"(cluster.device={"peak": "1TFLOPS", "efficiency": 0.5, "memory_bandwidth": "1GBps"})",
      R"(cluster.devices=[{"workers": "3", "device": {"peak": "7TFLOPS", "efficiency": 0.5, "memory_bandwidth": "1GBps"}}])"};
  const auto workers = run(blobs, sets).results.workers;
  EXPECT_EQ(workers[0].partition_rows, 100);
  EXPECT_EQ(workers[3].partition_rows, 700);
  EXPECT_THROW(parse(blobs, {sets[0]}), ConfigError);
}

TEST(Partitioned, LeavesNobodyWithoutARow) {
  const std::vector<std::string> sets{R"(workload.partition={"kind": "iid"})", "workload.dataset.train_rows=3"};
  EXPECT_THROW(run(blobs, sets), ConfigError);
  EXPECT_THROW(run(blobs, {sets[0], sets[1], "numerics=false"}), ConfigError);
}

}  // namespace
}  // namespace paceline::test
