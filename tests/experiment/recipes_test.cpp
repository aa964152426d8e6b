// The recipes in scenarios/recipes: each a question, the sides that are compared, and the outcome that answers it.
// Margins are wider than what seeds 1 to 3 differ by, and so than what another processor's rounding may do.
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <numeric>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Outcomes = std::map<std::string, Results>;

struct Recipe {
  std::string name;
  std::vector<std::pair<std::string, std::vector<std::string>>> sides;  // and what each sets
  std::function<void(const Outcomes&)> expect;
};

// Never is infinitely late.
double time_to_accuracy(const Results& r) {
  return r.time_to_accuracy_s.value_or(std::numeric_limits<double>::infinity());
}
bool learned(const Results& r) { return r.time_to_accuracy_s.has_value(); }
double accuracy(const Results& r) { return r.curve.back().test_accuracy.value(); }
// Of the curve's second half: where a run jumps up and down its last point says little.
double mean_accuracy(const Results& r) {
  const auto half = std::ptrdiff_t(r.curve.size() / 2);
  return std::accumulate(r.curve.begin() + half, r.curve.end(), 0.0,
                         [](double sum, const CurvePoint& point) { return sum + point.test_accuracy.value(); }) /
         double(std::ptrdiff_t(r.curve.size()) - half);
}
double loss(const Results& r) { return r.curve.back().test_loss.value(); }
double throughput(const Results& r) { return double(r.samples) / r.simulated_time_s; }
// f(x) - f* of the quadratic with 100 dimensions.
double above_least(const Results& r) { return loss(r) + 100.0 / (8 * 101); }

const std::string bsp = R"(training.strategy={"kind": "bsp"})", async = R"(training.strategy={"kind": "async"})";
const std::string constant = R"(training.schedule={"kind": "constant"})";
const std::string corrected = R"(training.strategy={"kind": "dc_asgd", "lambda": 2, "variant": "adaptive"})";
const std::string always_slow = R"(cluster.stragglers=[{"kind": "slow", "workers": "3", "factor": 3}])";
const std::string by_label = R"(workload.partition={"kind": "by_label", "shards_per_worker": 1})";
const std::string one_order = R"(workload.partition={"kind": "shared"})";
const std::string top_k = R"(training.compression={"kind": "top_k", "ratio": 0.01, "time": "20ms"})";
const std::string qsgd = R"(training.compression={"kind": "qsgd", "levels": 7, "time": "10ms"})";
// Of sides whose accuracy does not matter: the clock alone, for as long as it tells.
const std::string timing = "numerics=false", briefly = R"(training.stop={"time": "100s"})";
const std::string fast = "cluster.topology.bandwidth=100Gbps", slow = "cluster.topology.bandwidth=100Mbps";
const std::string rennala = R"(training.strategy={"kind": "rennala", "batch": 32})";

const std::string by_generation = R"({"kind": "static", "speeds": [4, 4, 4, 4, 4, 4, 4, 4, 2, 2, 2, 2, 1, 1, 1, 1]})";
const std::string nobody_later = "cluster.stragglers.2.factor=1";

std::string balance(const std::string& kind) { return "workload.balance=" + kind; }
std::string stealing(int samples) {
  return fmt::format(R"({{"kind": "work_stealing", "micro_batch": {}, "overhead": "1ms"}})", samples);
}
std::string rate(double rate) { return fmt::format("training.optimizer.learning_rate={}", rate); }
std::string backups(int b) { return fmt::format("training.strategy.backups={}", b); }
std::string period(int h) { return fmt::format("training.strategy.period={}", h); }
std::string bound(int s) { return fmt::format("training.strategy.staleness={}", s); }

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all{
      {"async_server_nic",
       {{"bsp", {bsp, rate(0.2)}},
        {"one server", {}},
        {"four servers", {"cluster.servers.count=4", timing, briefly}},
        {"sixteen servers", {"cluster.servers.count=16"}}},
       [](const Outcomes& of) {
         EXPECT_LT(throughput(of.at("one server")), 0.6 * throughput(of.at("bsp")));
         EXPECT_GT(time_to_accuracy(of.at("one server")), 1.5 * time_to_accuracy(of.at("bsp")));
         EXPECT_GT(throughput(of.at("four servers")), 1.3 * throughput(of.at("bsp")));
         EXPECT_LT(throughput(of.at("sixteen servers")), 1.1 * throughput(of.at("four servers")));
         EXPECT_LT(time_to_accuracy(of.at("sixteen servers")), 0.6 * time_to_accuracy(of.at("one server")));
       }},
      {"async_staleness",
       {{"bsp", {bsp}},
        {"async", {}},
        {"scaled", {"training.strategy.staleness_scaling=inverse"}},
        {"a sixteenth", {rate(0.0125)}},
        {"a quarter, 1", {rate(0.05)}},
        {"a quarter, 2", {rate(0.05), "seed=2"}},
        {"a quarter, 3", {rate(0.05), "seed=3"}},
        {"corrected, 1", {rate(0.05), corrected}},
        {"corrected, 2", {rate(0.05), corrected, "seed=2"}},
        {"corrected, 3", {rate(0.05), corrected, "seed=3"}}},
       [](const Outcomes& of) {
         EXPECT_LT(accuracy(of.at("async")), 0.2);
         for (const char* side : {"bsp", "scaled", "a sixteenth"}) EXPECT_TRUE(learned(of.at(side))) << side;
         double quarter = 0, mended = 0;  // means over seeds: they lie apart by as much as these two
         for (const char* seed : {"1", "2", "3"}) {
           const Results &plain = of.at(fmt::format("a quarter, {}", seed)),
                         &other = of.at(fmt::format("corrected, {}", seed));
           EXPECT_FALSE(learned(plain));
           EXPECT_FALSE(learned(other));
           quarter += mean_accuracy(plain) / 3;
           mended += mean_accuracy(other) / 3;
         }
         EXPECT_GT(mended, quarter + 0.1);
         EXPECT_LT(time_to_accuracy(of.at("scaled")), 0.85 * time_to_accuracy(of.at("bsp")));
       }},
      {"backup_workers",
       {{"b = 0", {backups(0)}},
        {"b = 4", {backups(4)}},
        {"b = 14", {backups(14)}},
        {"anyone's first 16", {R"(training.strategy={"kind": "k_batch_sync", "k": 16})"}}},
       [](const Outcomes& of) {
         EXPECT_LT(time_to_accuracy(of.at("b = 4")), 0.75 * time_to_accuracy(of.at("b = 0")));
         EXPECT_GT(time_to_accuracy(of.at("b = 14")), 1.5 * time_to_accuracy(of.at("b = 4")));
         EXPECT_GT(throughput(of.at("b = 4")), 1.5 * throughput(of.at("b = 0")));
         EXPECT_LT(throughput(of.at("b = 14")), 0.7 * throughput(of.at("b = 4")));
         EXPECT_GT(throughput(of.at("anyone's first 16")), 1.5 * throughput(of.at("b = 4")));
       }},
      {"compression_does_not_pay",
       {{"none, fast", {fast, timing, briefly}},
        {"top_k, fast", {fast, top_k, timing, briefly}},
        {"qsgd, fast", {fast, qsgd, timing, briefly}},
        {"none, slow", {slow}},
        {"top_k, slow", {slow, top_k}},
        {"qsgd, slow", {slow, qsgd}}},
       [](const Outcomes& of) {
         for (const char* side : {"none, slow", "top_k, slow", "qsgd, slow"}) EXPECT_TRUE(learned(of.at(side))) << side;
         EXPECT_LT(throughput(of.at("top_k, fast")), 0.9 * throughput(of.at("none, fast")));
         EXPECT_LT(throughput(of.at("qsgd, fast")), 0.96 * throughput(of.at("none, fast")));
         EXPECT_LT(time_to_accuracy(of.at("top_k, slow")), 0.2 * time_to_accuracy(of.at("none, slow")));
         EXPECT_LT(time_to_accuracy(of.at("qsgd, slow")), 0.8 * time_to_accuracy(of.at("none, slow")));
       }},
      {"uneven_batches",
       {{"even", {"workload.batch_size=16", timing, briefly}},
        {"weighted", {}},
        {"uniform", {"training.strategy.averaging=uniform"}},
        {"weighted, by label", {by_label}},
        {"uniform, by label", {"training.strategy.averaging=uniform", by_label}},
        {"even, one order", {"workload.batch_size=16", one_order, "training.stop.epochs=0.5"}},
        {"weighted, one order", {one_order, "training.stop.epochs=0.5"}}},
       [](const Outcomes& of) {
         EXPECT_GT(throughput(of.at("weighted")), 5 * throughput(of.at("even")));
         EXPECT_LT(loss(of.at("weighted")), loss(of.at("uniform")) - 0.01);
         EXPECT_GT(loss(of.at("weighted, by label")), loss(of.at("uniform, by label")) + 0.1);
         EXPECT_NEAR(loss(of.at("weighted, one order")), loss(of.at("even, one order")), 0.005);
       }},
      {"load_balance",
       {{"none", {balance("none"), nobody_later}},
        {"static", {balance(by_generation), nobody_later}},
        {"dynamic", {nobody_later}},
        {"dynamic, every step", {"workload.balance.every=1", nobody_later}},
        {"stealing", {balance(stealing(4)), nobody_later}},
        {"stealing 16", {balance(stealing(16)), nobody_later}},
        {"none, slow", {balance("none")}},
        {"static, slow", {balance(by_generation), timing, briefly}},
        {"dynamic, slow", {}},
        {"stealing, slow", {balance(stealing(4))}}},
       [](const Outcomes& of) {
         EXPECT_GT(throughput(of.at("static")), 1.9 * throughput(of.at("none")));
         EXPECT_GT(throughput(of.at("dynamic")), 1.8 * throughput(of.at("none")));
         EXPECT_GT(throughput(of.at("dynamic")), 1.05 * throughput(of.at("dynamic, every step")));
         EXPECT_GT(throughput(of.at("stealing")), 1.15 * throughput(of.at("static")));
         EXPECT_LT(throughput(of.at("stealing 16")), 0.8 * throughput(of.at("stealing")));
         EXPECT_LT(throughput(of.at("static, slow")), throughput(of.at("none")));
         EXPECT_GT(throughput(of.at("dynamic, slow")), 2 * throughput(of.at("none, slow")));
         EXPECT_GT(throughput(of.at("stealing, slow")), 1.2 * throughput(of.at("dynamic, slow")));
         for (const char* side : {"static", "dynamic", "stealing", "none, slow", "dynamic, slow", "stealing, slow"}) {
           EXPECT_EQ(of.at(side).samples, of.at("none").samples) << side;
           EXPECT_NEAR(loss(of.at(side)), loss(of.at("none")), 0.005) << side;
         }
       }},
      {"local_sgd_period",
       {{"H = 1", {period(1)}},
        {"H = 4", {period(4)}},
        {"H = 16", {period(16)}},
        {"H = 256", {period(256)}},
        {"H = 16, iid", {period(16), R"(workload.partition={"kind": "iid"})"}}},
       [](const Outcomes& of) {
         EXPECT_LT(time_to_accuracy(of.at("H = 4")), 0.6 * time_to_accuracy(of.at("H = 1")));
         EXPECT_LT(time_to_accuracy(of.at("H = 16")), 0.9 * time_to_accuracy(of.at("H = 4")));
         EXPECT_LT(accuracy(of.at("H = 256")), 0.7);
         EXPECT_LT(time_to_accuracy(of.at("H = 16, iid")), 0.65 * time_to_accuracy(of.at("H = 16")));
       }},
      {"ssp_bound",
       {{"s = 0", {bound(0)}},
        {"s = 8", {bound(8), timing, briefly}},
        {"s = 32", {bound(32)}},
        {"async", {async}},
        {"s = 0, always", {bound(0), always_slow, timing, briefly}},
        {"s = 32, always", {bound(32), always_slow, timing, briefly}},
        {"async, always", {async, always_slow, timing, briefly}}},
       [](const Outcomes& of) {
         EXPECT_GT(throughput(of.at("s = 8")), 1.2 * throughput(of.at("s = 0")));
         EXPECT_GT(throughput(of.at("s = 32")), 1.5 * throughput(of.at("s = 8")));
         EXPECT_GT(throughput(of.at("s = 32")), 0.85 * throughput(of.at("async")));
         EXPECT_LT(time_to_accuracy(of.at("s = 32")), 0.7 * time_to_accuracy(of.at("s = 0")));
         EXPECT_LT(throughput(of.at("s = 32, always")), 1.2 * throughput(of.at("s = 0, always")));
         EXPECT_GT(throughput(of.at("async, always")), 2 * throughput(of.at("s = 32, always")));
       }},
      {"switching_order",
       {{"bsp first", {}},
        {"async first",
         {"training.strategy.phases.0.strategy.kind=async", "training.strategy.phases.1.strategy.kind=bsp"}},
        {"bsp throughout", {bsp, constant}},
        {"async first at its own rate",
         {constant, "training.strategy.phases.0.strategy.kind=async", "training.strategy.phases.1.strategy.kind=bsp",
          "training.strategy.phases.0.learning_rate_scale=0.0625"}}},
       [](const Outcomes& of) {
         EXPECT_LT(accuracy(of.at("async first")), 0.3);
         for (const char* side : {"bsp first", "bsp throughout", "async first at its own rate"})
           EXPECT_TRUE(learned(of.at(side))) << side;
         EXPECT_GT(throughput(of.at("bsp first")), 1.2 * throughput(of.at("bsp throughout")));
         EXPECT_LT(time_to_accuracy(of.at("bsp first")), time_to_accuracy(of.at("bsp throughout")));
       }},
      {"very_uneven_workers",
       {{"async", {async, rate(0.001)}},
        {"async, a third of the rate", {async, rate(0.0003)}},
        {"async, thrice the rate", {async, rate(0.003)}},
        {"async, scaled", {R"(training.strategy={"kind": "async", "staleness_scaling": "inverse"})", rate(3)}},
        {"ringmaster", {}},
        {"ringmaster with stops", {"training.strategy.stops=true"}},
        {"rennala", {rennala, rate(1)}}},
       [](const Outcomes& of) {
         for (const char* side : {"async, scaled", "ringmaster", "ringmaster with stops", "rennala"})
           EXPECT_LT(above_least(of.at(side)), 0.6 * above_least(of.at("async"))) << side;
         for (const char* side : {"async, a third of the rate", "async, thrice the rate"})
           EXPECT_GT(above_least(of.at(side)), 2 * above_least(of.at("async"))) << side;
       }},
      {"straggler_law",
       {{"b = 0", {backups(0)}}, {"b = 1", {backups(1)}}, {"b = 7", {}}, {"b = 20", {backups(20)}}},
       [](const Outcomes& of) {  // by the integral of straggler_law_test.cpp 46.8, 51.5, 54.6 and 51.4 a second
         EXPECT_GT(throughput(of.at("b = 1")), 1.08 * throughput(of.at("b = 0")));
         EXPECT_GT(throughput(of.at("b = 7")), 1.04 * throughput(of.at("b = 1")));
         EXPECT_LT(throughput(of.at("b = 20")), 0.96 * throughput(of.at("b = 7")));
       }},
  };
  return all;
}

class Recipes : public testing::TestWithParam<Recipe> {};

TEST_P(Recipes, GiveTheAnswerThatTheReadmeGives) {
  Outcomes outcomes;
  for (const auto& [side, assignments] : GetParam().sides) {
    outcomes[side] = run("scenarios/recipes/" + GetParam().name + ".json", assignments).results;
    EXPECT_TRUE(outcomes[side].all_hold()) << side;
  }
  GetParam().expect(outcomes);
}

INSTANTIATE_TEST_SUITE_P(All, Recipes, testing::ValuesIn(recipes()), [](const auto& it) { return it.param.name; });

TEST(RecipesOf, EveryFileIsCheckedAndInTheReadme) {
  const std::string readme = read_text(path_of("scenarios/recipes/README.md"));
  std::set<std::string> files, known;
  for (const auto& entry : std::filesystem::directory_iterator(path_of("scenarios/recipes")))
    if (entry.path().extension() == ".json") files.insert(entry.path().stem());
  for (const Recipe& recipe : recipes()) {
    known.insert(recipe.name);
    EXPECT_NE(readme.find("scenarios/recipes/" + recipe.name + ".json"), std::string::npos) << recipe.name;
  }
  EXPECT_EQ(files, known);
}

}  // namespace
}  // namespace paceline::test
