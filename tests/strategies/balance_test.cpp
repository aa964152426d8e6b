// Load balancing: the pace against Σ v, plans by hand, and numerics against those of the same global batch.
#include "sim/strategies/balance.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/core/random.hpp"
#include "sim/strategies/wire.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Sizes = std::vector<int>;
using Order = std::vector<std::uint32_t>;

int sum(const Sizes& sizes) { return std::accumulate(sizes.begin(), sizes.end(), 0); }

// --- sharing out ---

TEST(ShareOut, ByHand) {
  const auto share = [](int samples, std::vector<double> speeds) { return share_out(samples, speeds); };
  EXPECT_EQ(share(1024, {42, 21, 14, 6}), (Sizes{518, 259, 173, 74}));  // 518.17, 259.08, 172.72, 74.02
  EXPECT_EQ(share(4, {1, 1, 1}), (Sizes{2, 1, 1}));                     // ties: the lower worker
  EXPECT_EQ(share(12, {3, 2, 1}), (Sizes{6, 4, 2}));
  EXPECT_EQ(share(10, {1e9, 1, 1}), (Sizes{8, 1, 1}));  // at least one
  EXPECT_EQ(share(3, {1e9, 1, 1e-9}), (Sizes{1, 1, 1}));
  EXPECT_EQ(share(7, {0.5}), (Sizes{7}));
  EXPECT_THROW(share(2, {1, 1, 1}), std::invalid_argument);
}

// The sum is kept, and where nobody needs to be given a sample all are within one of their exact part.
TEST(ShareOut, KeepsTheSumForRandomSpeeds) {
  for (std::uint64_t round = 0; round < 500; ++round) {
    const Stream draws(7, "speeds", round);
    std::vector<double> speeds(1 + draws.below(40, 0));
    for (std::size_t w = 0; w < speeds.size(); ++w) speeds[w] = std::exp(8 * draws.uniform(10 + w) - 4);
    const int samples = int(speeds.size() + draws.below(3000, 1));
    const double all = std::accumulate(speeds.begin(), speeds.end(), 0.0);
    const Sizes sizes = share_out(samples, speeds);
    ASSERT_EQ(sum(sizes), samples);
    ASSERT_GE(*std::min_element(sizes.begin(), sizes.end()), 1);
    if (samples * *std::min_element(speeds.begin(), speeds.end()) < all) continue;
    for (std::size_t w = 0; w < speeds.size(); ++w) ASSERT_LT(std::abs(sizes[w] - samples * speeds[w] / all), 1 + 1e-9);
  }
}

// --- the pace ---

// A millisecond a sample, worker w slower by a factor, and nothing else takes time.
std::string uneven(const std::vector<double>& factors, int batch_size, const std::string& balance, int steps) {
  std::string stragglers;
  for (std::size_t w = 0; w < factors.size(); ++w)
    stragglers += fmt::format(R"({}{{"kind": "slow", "workers": "{}", "factor": {}}})", w ? ", " : "", w, factors[w]);
  return fmt::format(R"({{
    "numerics": false,
    "cluster": {{ "workers": {0}, "topology": {{ "kind": "star", "bandwidth": "1Gbps", "latency": "0s" }},
                 "stragglers": [{1}] }},
    "workload": {{
      "model": {{ "kind": "softmax_regression" }},
      "dataset": {{ "kind": "blobs", "train_rows": 100000, "test_rows": 10 }},
      "batch_size": {2}, "balance": {3},
      "cost": {{ "kind": "fixed", "forward": "{4}us", "backward": "{5}us", "update": "0s", "gradient": "0B" }} }},
    "training": {{
      "strategy": {{ "kind": "bsp" }}, "optimizer": {{ "kind": "sgd", "learning_rate": 0.1 }},
      "stop": {{ "steps": {6} }} }} }})",
                     factors.size(), stragglers, batch_size, balance, 250 * batch_size, 750 * batch_size, steps);
}

double throughput(const Run& made) { return double(made.results.samples) / made.results.simulated_time_s; }

const std::vector<double> factors{1, 2, 3, 7};
const double all_rates = 1000 * (1 + 1 / 2.0 + 1 / 3.0 + 1 / 7.0);
const std::string known = R"({"kind": "static", "speeds": [42, 21, 14, 6]})";

TEST(BalancedPace, WithoutAnyIsThatOfTheSlowest) {
  const auto made = run(uneven(factors, 256, R"("none")", 20));
  EXPECT_NEAR(throughput(made), 4 * 1000 / 7.0, 1e-6);
  EXPECT_EQ(made.results.fingerprint, run(uneven(factors, 256, R"({"kind": "none"})", 20)).results.fingerprint);
}

// A step takes max n_w / v_w, of 518, 259, 173 and 74 samples. Nobody is a sample above his exact part, so that is less
// than B / Σ v + 1 / min v: above 98.6 % of Σ v.
TEST(BalancedPace, OfStaticByGivenSpeedsIsNearlyTheSumOfAll) {
  const auto made = run(uneven(factors, 256, known, 100));
  EXPECT_NEAR(made.results.simulated_time_s, 100 * 173 * 3e-3, 100 * 4e-12);  // ticks
  EXPECT_GT(throughput(made), 0.98 * all_rates);
  EXPECT_TRUE(made.results.all_hold());
  EXPECT_EQ(made.results.workers[2].samples, 100 * 173);
}

// From its first plan on it is that; only the first steps are those of none.
TEST(BalancedPace, OfDynamicIsNearlyTheSumOfAllOnceItHasMeasured) {
  for (const int every : {1, 2, 10}) {
    const auto made = run(uneven(factors, 256, fmt::format(R"({{"kind": "dynamic", "every": {}}})", every), 4000));
    const double expected = every * 256 * 7e-3 + (4000 - every) * 173 * 3e-3;
    EXPECT_NEAR(made.results.simulated_time_s, expected, 4000 * 4e-12 + 1e-11 * expected);
    EXPECT_GT(throughput(made), 0.98 * all_rates);
    for (int w = 0; w < 4; ++w) {
      const std::vector<double> samples = made.of_worker(w, "samples");
      ASSERT_EQ(samples.size(), 4000u);
      for (int k = 0; k < 4000; ++k)
        ASSERT_EQ(samples[std::size_t(k)],
                  k < every ? 256 : share_out(1024, std::vector<double>{42, 21, 14, 6})[std::size_t(w)]);
    }
    EXPECT_TRUE(made.results.all_hold());
  }
}

// When each worker is through, dealt by hand: whoever is free first takes the next. Factors without ties.
TEST(BalancedPace, OfWorkStealingIsThatOfAListByHand) {
  const std::vector<double> slow{1, 2.0371, 3.0917, 7.1113};
  double rates = 0;
  for (const double factor : slow) rates += 1000 / factor;
  for (const double overhead : {0.0, 2e-3})
    for (const int micro : {1, 8, 100, 1000, 5000}) {
      std::vector<double> free_at(4, 0.0);
      Sizes taken(4, 0);
      for (int left = 1024; left > 0;) {
        const auto first = std::size_t(std::min_element(free_at.begin(), free_at.end()) - free_at.begin());
        const int samples = std::min(micro, left);
        free_at[first] += overhead + samples * 1e-3 * slow[first];
        taken[first] += samples;
        left -= samples;
      }
      const double step = *std::max_element(free_at.begin(), free_at.end());
      const auto made = run(uneven(
          slow, 256,
          fmt::format(R"({{"kind": "work_stealing", "micro_batch": {}, "overhead": "{}us"}})", micro, overhead * 1e6),
          20));
      SCOPED_TRACE(fmt::format("micro-batches of {}, overhead {}", micro, overhead));
      EXPECT_NEAR(made.results.simulated_time_s, 20 * step, 1e-9);  // 20,480 durations rounded to a tick
      EXPECT_TRUE(made.results.all_hold());
      for (int w = 0; w < 4; ++w) EXPECT_EQ(made.results.workers[std::size_t(w)].samples, 20 * taken[std::size_t(w)]);
      EXPECT_EQ(made.results.samples, 20 * 1024);
      EXPECT_NEAR(made.results.fractions[std::size_t(Activity::queue)] * 4 * made.results.simulated_time_s,
                  20 * std::ceil(1024.0 / micro) * overhead, 1e-9);
      if (overhead > 0) continue;
      EXPECT_LE(step, (1024 - micro) / rates + micro * 1e-3 * slow[3] + 1e-9);  // the bound in its head
      if (micro == 1) { EXPECT_GT(throughput(made), 0.98 * rates); }
    }
}

// --- plans ---

// Roofline: where arithmetic alone counts, speeds are those of the peaks.
TEST(StaticBalance, GoesByTheDevicesAsTheCostHasThem) {
  const std::string device = R"("efficiency": 0.5, "memory_bandwidth": "1000GBps", "launch_overhead": "0s")";
  std::string devices;
  for (int w = 1; w < 4; ++w)
    devices += fmt::format(R"({}{{"workers": "{}", "device": {{"peak": "{}GFLOPS", {}}}}})", w > 1 ? ", " : "", w,
                           w + 1, device);
  const std::vector<std::string> sets{
      "cluster.stragglers=[]", "workload.batch_size=30", R"(workload.cost={"kind": "model"})",
      R"(cluster.device={"peak": "1GFLOPS", )" + device + "}", "cluster.devices=[" + devices + "]"};
  const auto made = run(uneven(factors, 30, R"("static")", 3), sets);
  for (int w = 0; w < 4; ++w) EXPECT_EQ(made.of_worker(w, "samples"), std::vector<double>(3, 12 * (w + 1)));
  const double computed = made.of_worker(0, "compute_s")[1];
  for (int w = 1; w < 4; ++w) EXPECT_NEAR(made.of_worker(w, "compute_s")[1], computed, 0.01 * computed);
}

// It is uneven sizes as they could be given by hand: event by event, under any strategy.
TEST(StaticBalance, IsUnevenSizesByHand) {
  const std::string blobs = "tests/data/scenarios/blobs.json";
  for (const char* strategy : {R"({"kind": "bsp", "accumulate": 2})", R"({"kind": "async"})"}) {
    const std::string set = std::string("training.strategy=") + strategy;
    const auto planned = run(blobs, {set, R"(workload.balance={"kind": "static", "speeds": [1, 9, 4, 2]})"});
    const auto given = run(blobs, {set, "workload.batch_size=[2, 18, 8, 4]"});
    EXPECT_EQ(planned.results.fingerprint, given.results.fingerprint);
    EXPECT_EQ(*planned.parameters, *given.parameters);
  }
}

// Worker 1 is four times slower from 10 s to 30 s. A plan of windows that lie within goes by that alone.
TEST(DynamicBalance, FollowsAStragglerThatBeginsUnderWay) {
  const auto made =
      run(uneven({1, 1, 1, 1}, 256, R"({"kind": "dynamic", "every": 3})", 200),
          {R"(cluster.stragglers=[{"kind": "slow", "workers": "1", "factor": 4, "from": "10s", "until": "30s"}])"});
  const std::vector<double> start = made.of_worker(0, "start_s"), slow = made.of_worker(1, "samples"),
                            other = made.of_worker(0, "samples");
  int even = 0, planned = 0;
  for (std::size_t k = 6; k + 1 < start.size(); ++k) {
    const std::size_t window = k / 3 * 3 - 3;  // what the plan of step k goes by
    const double from = start[window], until = start[window + 3];
    if (until <= 10 || from >= 30) {
      EXPECT_EQ(slow[k], 256) << k;
      ++even;
    } else if (from >= 10 && until <= 30) {
      EXPECT_EQ(slow[k], 79) << k;  // 78.77 of 1,024
      EXPECT_EQ(other[k], 315) << k;
      ++planned;
    }
  }
  EXPECT_GT(even, 60);
  EXPECT_GT(planned, 40);
  EXPECT_TRUE(made.results.all_hold());
}

// A duration a + c n: proportion is not equal time at once, but a plan that repeats itself is. There n_w is its exact
// part n_w T / t_w, T = B / Σ (n / t), but for less than one sample, so |t_w - T| < t_w / n_w.
TEST(DynamicBalance, EvensOutFixedCostsToo) {
  const auto made = run(
      uneven({1, 2, 3, 7}, 256, R"({"kind": "dynamic", "every": 1})", 60),
      {R"(workload.cost={"kind": "model"})", R"(training.strategy.aggregate={"kind": "parameter_server"})",
       R"(cluster.device={"peak": "1GFLOPS", "memory_bandwidth": "1000GBps", "efficiency": 0.5, "launch_overhead": "20us"})"});
  std::vector<double> samples, seconds;
  double rate = 0;
  for (int w = 0; w < 4; ++w) {
    const std::vector<double> all = made.of_worker(w, "samples");
    samples.push_back(all[50]);
    seconds.push_back(made.of_worker(w, "compute_s")[50]);
    rate += samples.back() / seconds.back();
    EXPECT_EQ(all[49], all[50]) << w;
  }
  EXPECT_EQ(std::accumulate(samples.begin(), samples.end(), 0.0), 1024);
  EXPECT_GT(samples[0], 256);
  for (std::size_t w = 0; w < 4; ++w) EXPECT_LT(std::abs(seconds[w] - 1024 / rate), seconds[w] / samples[w]) << w;
}

// --- rows ---

Order taken(Batches& batches, int worker, std::int64_t k) {
  Order rows;
  while (true) {
    const Batches::Slice slice = batches.take(worker, k);
    if (slice.count > 0) batches.append(worker, slice, rows);
    if (slice.count == 0 || !batches.balance()->piecemeal()) return rows;
  }
}

// Shared data: whoever takes them, step k's rows are those from kB on. Own rows: each once a pass.
TEST(BalancedRows, AreThoseOfTheGlobalBatch) {
  const auto stealing = [] {
    Reader::Context context;
    Node node = parse_document(R"({"it": {"kind": "work_stealing", "micro_batch": 3, "overhead": "0s"}})", "test.json");
    return Reader(node, "", context).kind("it", balances::all(), {});
  };
  for (const BalanceMaker& maker : {balances::all().named("dynamic"), stealing()}) {
    Batches shared(1000, {4, 2, 1}, true, 1, {}, maker.make({4, 2, 1})), plain(1000, {4, 2, 1}, true, 1);
    for (std::int64_t k = 0; k < 40; ++k) {
      Order all, expected;
      for (const int w : {2, 0, 1}) {
        const Order rows = taken(shared, w, k);
        all.insert(all.end(), rows.begin(), rows.end());
        shared.balance()->measured(w, std::max(1, int(rows.size())), std::chrono::nanoseconds(1 + 5 * w));
      }
      for (int w = 0; w < 3; ++w) plain.append(w, k, expected);
      std::sort(all.begin(), all.end());
      std::sort(expected.begin(), expected.end());
      ASSERT_EQ(all, expected) << k;
    }
    Batches own(10, {4, 2}, false, 1, {{0, 2, 4, 6, 8}, {1, 3, 5, 7, 9}}, maker.make({4, 2}));
    Order first, second;
    for (std::int64_t k = 0; k < 25; ++k)
      for (const int w : {0, 1}) {
        const Order rows = taken(own, w, k);
        (w == 0 ? first : second).insert(w == 0 ? first.end() : second.end(), rows.begin(), rows.end());
        own.balance()->measured(w, std::max(1, int(rows.size())), std::chrono::nanoseconds(1 + 5 * w));
      }
    EXPECT_EQ(first.size() + second.size(), 150u);
    for (std::size_t i = 0; i < first.size(); ++i) ASSERT_EQ(first[i], 2 * (i % 5));
    for (std::size_t i = 0; i < second.size(); ++i) ASSERT_EQ(second[i], 2 * (i % 5) + 1);
  }
}

// --- numerics ---

// Softmax regression, whose loss is convex: two runs of gradient descent whose gradients differ by rounding alone.
const std::string learning = R"({
  "seed": 5,
  "cluster": {
    "workers": 4, "topology": { "kind": "star", "bandwidth": "1Gbps", "latency": "10us" },
    "jitter": { "kind": "lognormal", "sigma": 0.3 },
    "stragglers": [ { "kind": "slow", "workers": "1", "factor": 3 } ] },
  "workload": {
    "model": { "kind": "softmax_regression" },
    "dataset": { "kind": "blobs", "train_rows": 1000, "test_rows": 100, "features": 8, "classes": 4 },
    "batch_size": 8,
    "cost": { "kind": "fixed", "forward": "100us", "backward": "200us", "update": "10us" } },
  "training": {
    "strategy": { "kind": "bsp" }, "optimizer": { "kind": "sgd", "learning_rate": 0.02 },
    "stop": { "steps": 30 } } })";

// With u = 2^-24, an entry of a mean gradient, Σ (p - y) x / B over B rows, is off by at most u X (B + 8) for its sum
// and weights and by 2 u X (d + 8) Λ for p, Λ >= Σ |w x| of a logit. Gradient descent on a convex loss does not expand
// up to a rate of 2 / L, L = max |x|²/2, so over K steps of rate η two runs part by at most 2 K (η √P of that + √P u
// W).
double rounding_bound() {
  const Spec spec = parse(learning);
  const auto data = spec.dataset.load();
  std::vector<float> x(1000 * 8);
  std::vector<std::int32_t> labels(1000);
  Order rows(1000);
  std::iota(rows.begin(), rows.end(), 0u);
  data->fetch(Part::train, rows, x.data(), labels.data());
  double largest = 1, norm = 0;
  for (std::size_t row = 0; row < 1000; ++row) {
    double squares = 1;  // of the bias
    for (std::size_t i = 0; i < 8; ++i) {
      const double each = std::abs(double(x[8 * row + i]));
      squares += each * each;
      largest = std::max(largest, each);
    }
    norm = std::max(norm, std::sqrt(squares));
  }
  const double rate = 0.02, steps = 30, entries = 9 * 4, weight = 1, u = 0x1p-24;
  EXPECT_LE(rate, 2 / (norm * norm / 2));
  const Values learned = *run(learning).parameters;
  for (const float each : learned) EXPECT_LT(std::abs(each), weight);
  const double logit = weight * norm * 3;  // Σ |w x| <= W |x| √9
  const double entry = u * largest * (32 + 8 + 2 * (8 + 8) * logit);
  return 2 * steps * std::sqrt(entries) * (rate * entry + u * weight);
}

double distance(const Values& a, const Values& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(double(a[i]) - b[i]));
  return largest;
}

const std::string sizes_by_hand = R"({"kind": "static", "speeds": [9, 1, 4, 2]})";
const std::string replanned = R"({"kind": "dynamic", "every": 2})";
// Of four workers at most two have a part in a step.
const std::string stolen = R"({"kind": "work_stealing", "micro_batch": 16, "overhead": "10us"})";
const std::vector<std::string> kinds{sizes_by_hand, replanned, stolen,
                                     R"({"kind": "work_stealing", "micro_batch": 3, "overhead": "0s"})"};

std::vector<std::string> with(const std::string& balance, const std::string& strategy,
                              std::vector<std::string> more = {}) {
  more.push_back("workload.balance=" + balance);
  more.push_back("training.strategy=" + strategy);
  return more;
}

TEST(BalancedNumerics, AreThoseOfSerialSgdWithTheGlobalBatch) {
  const double bound = rounding_bound();
  const Values serial =
      *run(learning, {"cluster.workers=1", "workload.batch_size=32", "cluster.stragglers=[]"}).parameters;
  const auto uniform = run(learning, with(sizes_by_hand, R"({"kind": "bsp", "averaging": "uniform"})"));
  EXPECT_GT(distance(*uniform.parameters, serial), 3 * bound);  // what a wrong weight does
  for (const char* strategy :
       {R"({"kind": "bsp"})", R"({"kind": "bsp", "aggregate": {"kind": "all_reduce", "overlap": false}})",
        R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})", R"({"kind": "bsp", "sharding": "zero1"})",
        R"({"kind": "bsp", "sharding": "zero3"})"}) {
    EXPECT_LE(distance(*run(learning, with(R"("none")", strategy)).parameters, serial), bound);
    for (const std::string& balance : kinds) {
      if (balance.find("stealing") != balance.npos && std::string(strategy).find("zero3") != std::string::npos)
        continue;
      SCOPED_TRACE(balance + strategy);
      const auto made = run(learning, with(balance, strategy));
      EXPECT_LE(distance(*made.parameters, serial), bound);
      EXPECT_EQ(made.results.samples, 30 * 32);
      EXPECT_EQ(made.results.epochs, 0.96);
      EXPECT_EQ(made.results.steps, 30);
      EXPECT_TRUE(made.results.all_hold());
      std::vector<double> by_step(30);
      std::int64_t of_workers = 0;
      for (const auto& row : made.rows) by_step[std::stoul(row.at("step"))] += std::stod(row.at("samples"));
      EXPECT_EQ(by_step, std::vector<double>(30, 32));
      for (const WorkerResult& worker : made.results.workers) of_workers += worker.samples;
      EXPECT_EQ(of_workers, 30 * 32);
    }
  }
}

// A server sums a step's rows in the order of the data, whose they are does not matter: every bit.
TEST(BalancedNumerics, OfPlansAtAServerAreTheSameBits) {
  const std::string server = R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})";
  const Values even = *run(learning, with(R"("none")", server)).parameters;
  EXPECT_EQ(*run(learning, with(replanned, server)).parameters, even);
  EXPECT_EQ(*run(learning, with(sizes_by_hand, server)).parameters, even);
}

// What is compressed away is nothing: a worker's part of the sum, and one without samples, add up to the mean.
TEST(BalancedNumerics, CompressedAddUpToTheMean) {
  const double bound = rounding_bound();
  for (const char* strategy : {R"({"kind": "bsp"})", R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})"}) {
    const Values serial = *run(learning, with(R"("none")", strategy)).parameters;
    for (const std::string& balance : kinds) {
      const auto set =
          with(balance, strategy, {R"(training.compression={"kind": "top_k", "ratio": 1, "time": "1us"})"});
      const auto made = run(learning, set);
      EXPECT_LE(distance(*made.parameters, serial), bound) << balance << strategy;
      EXPECT_TRUE(made.results.all_hold());
    }
  }
}

// All samples of a step are one worker's, in turn.
class InTurn final : public Balance {
 public:
  explicit InTurn(int samples) : samples_(samples) {}
  Portion take(int worker, std::int64_t step) override { return {0, worker == step % 2 ? samples_ : 0}; }

 private:
  int samples_;
};

// What workers hold back is sent later at its worth, also in steps in which they have no samples: all that was sent is
// all there was but for the residuals, Σ e_w / N. Of top_k with a share δ, |e'|² <= (1 - δ) |e + a|² for what is added,
// a, at most N |g|: so |e| <= q N max |g| / (1 - q) with q = √(1 - δ), however many the steps.
TEST(BalancedNumerics, LoseNothingThatIsHeldBack) {
  const double kept = 0.1, q = std::sqrt(1 - kept);
  const Spec spec = parse(learning, {R"(training.compression={"kind": "top_k", "ratio": 0.1, "time": "1us"})"});
  const DataShape shape = spec.dataset.shape();
  const std::shared_ptr<const Model> model = spec.model.make(shape);
  const std::vector<float> initial = initial_parameters(*model, 1);
  const auto x = std::make_shared<Values>(initial.begin(), initial.end());
  for (const bool at_server : {true, false}) {
    Threads threads(1);
    GradientPool pool({spec.dataset.load(), model},
                      Batches(shape.train_rows, {16, 16}, true, 1, {}, std::make_unique<InTurn>(32)), threads);
    Wire wire(pool, spec.compression, model->tensors(), 4.0 * double(model->size()), 2, 1);
    std::vector<double> sent(model->size(), 0.0), all(model->size(), 0.0);
    double largest = 0;
    for (std::int64_t k = 0; k < 400; ++k) {
      std::vector<GradientRef> gradients;
      for (const int w : {0, 1}) gradients.push_back(pool.make(w, k, {Version{0, x}}));
      const auto mean =
          at_server ? wire.mean(gradients, Averaging::weighted) : wire.reduce(gradients, Averaging::weighted);
      const auto value = pool.value(gradients[std::size_t(k % 2)]);
      double squares = 0;
      for (std::size_t i = 0; i < all.size(); ++i) {
        sent[i] += (*mean)[i];
        all[i] += (*value)[i];
        squares += double((*value)[i]) * (*value)[i];
      }
      largest = std::max(largest, std::sqrt(squares));
    }
    double apart = 0, size = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      apart += (sent[i] - all[i]) * (sent[i] - all[i]);
      size += all[i] * all[i];
    }
    const double bound = 2 * largest * q / (1 - q);
    EXPECT_LE(std::sqrt(apart), bound);
    EXPECT_GT(std::sqrt(size), 4 * bound);  // half of it lost would show
  }
}

TEST(BalancedNumerics, AreTheSameOnAnyThreadsAndTheClockKnowsNothingOfThem) {
  for (const std::string& balance : kinds)
    for (const char* partition : {R"({"kind": "shared"})", R"({"kind": "iid"})"}) {
      const std::vector<std::string> sets{"workload.balance=" + balance,
                                          std::string("workload.partition=") + partition};
      const auto one = run(learning, sets), two = run(learning, sets, 2), again = run(learning, sets);
      EXPECT_EQ(*one.parameters, *two.parameters) << balance;
      EXPECT_EQ(*one.parameters, *again.parameters) << balance;
      EXPECT_EQ(one.rows, two.rows) << balance;
      EXPECT_EQ(one.results.fingerprint, two.results.fingerprint) << balance;
      EXPECT_TRUE(one.results.all_hold()) << balance;
      auto timing = sets;
      timing.push_back("numerics=false");
      EXPECT_EQ(run(learning, timing).results.fingerprint, one.results.fingerprint) << balance;
    }
}

// --- wrong input that shows only when a run is built ---

std::string error_of(const std::vector<std::string>& sets) {
  try {
    run(learning, sets);
  } catch (const ConfigError& error) { return error.what(); }
  return "no error";
}

TEST(Balance, RefusesWhatCannotBe) {
  EXPECT_NE(error_of(with(stolen, R"({"kind": "bsp", "sharding": "zero3"})")).find("cannot go with zero3"),
            std::string::npos);
  EXPECT_NE(error_of({R"(workload.balance="static")", "workload.cost.forward=0s", "workload.cost.backward=0s"})
                .find("a batch of worker 0 takes no time"),
            std::string::npos);
  for (const std::string& balance : kinds)
    EXPECT_NE(error_of({"workload.balance=" + balance, "cluster.workers=4096", "workload.batch_size=1048576",
                        R"(cluster.stragglers=[])", "numerics=false"})
                  .find(balance == sizes_by_hand ? "for each of 4096 workers" : "above 2^31 - 1"),
              std::string::npos)
        << balance;
  for (const std::string strategy :
       {R"({"kind": "async"})", R"({"kind": "adasum"})", R"({"kind": "bsp", "accumulate": 2})",
        R"({"kind": "bsp", "averaging": "uniform"})", R"({"kind": "local_sgd", "period": 4})"})
    for (const std::string& balance : {replanned, stolen})
      EXPECT_NE(error_of(with(balance, strategy)).find("it needs the strategy \"bsp\""), std::string::npos) << strategy;
}

}  // namespace
}  // namespace paceline::test
