// What is known by name: totals against published counts, and steps of the cost `profile` by hand.
#include "sim/cluster/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sim/experiment/memory.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

Profile profile_named(const std::string& name) {
  return read_profile(parse_document(catalogues::profiles().find_entry(name)->text, name));
}

const std::string scenario = "scenarios/resnet50_on_v100.json";

std::unique_ptr<Cost> cost_of(const std::vector<std::string>& assignments) {
  const Spec spec = parse(scenario, assignments);
  return make_cost(spec, *spec.model.make(spec.dataset.shape()), spec.batch_sizes);
}

std::string error_of(const std::vector<std::string>& assignments) {
  try {
    parse(scenario, assignments);
  } catch (const ConfigError& error) { return error.what(); }
  return "";
}

TEST(Profiles, HaveThePublishedNumbersOfParametersAndMultiplyAdds) {
  const auto known = nlohmann::json::parse(read_text(path_of("tests/data/profiles/totals.json")));
  ASSERT_EQ(catalogues::profiles().kinds().size(), known["parameters"].size());
  for (const std::string& name : catalogues::profiles().kinds()) {
    double parameters = 0, macs = 0;
    for (const LayerProfile& layer : profile_named(name).layers) {
      parameters += layer.parameters;  // integers below 2^53: exact
      if (!layer.name.starts_with("aux")) macs += layer.forward_flops / 2;
    }
    EXPECT_EQ(parameters, known["parameters"].at(name).get<double>()) << name;
    if (!known["forward_gmacs"].contains(name)) continue;
    const auto& figure = known["forward_gmacs"][name];  // and its decimals
    EXPECT_NEAR(macs / 1e9, figure[0].get<double>(), 0.5 * std::pow(10, -figure[1].get<int>()) + 1e-9) << name;
  }
}

TEST(Profiles, AreWhatTheGeneratorWrites) {
  EXPECT_EQ(std::system(("'" + path_of("tools/profiles") + "' --check").c_str()), 0);
}

TEST(Devices, AreKnownWhereTheCatalogueHasASustainedRateAndAskForAnEfficiencyElsewhere) {
  for (const std::string& name : catalogues::devices().kinds()) {
    const std::string device = fmt::format(R"(cluster.device={{"name": "{}", "efficiency": 0.5}})", name);
    EXPECT_EQ(error_of({device}), "") << name;
  }
  EXPECT_EQ(error_of({"cluster.device=p100"}), "");
  EXPECT_EQ(error_of({"cluster.device=b200", "cluster.device.efficiency=0.4"}), "");
  EXPECT_NE(error_of({"cluster.device=b200"}).find("missing key \"efficiency\": none is known of b200 at fp32"),
            std::string::npos);
  EXPECT_NE(error_of({"cluster.device=v10"}).find("unknown device \"v10\"; did you mean \"v100\"?"), std::string::npos);
  EXPECT_NE(error_of({"workload.cost.profile=resnet5"}).find("unknown profile \"resnet5\"; did you mean \"resnet50\"?"),
            std::string::npos);
  EXPECT_NE(error_of({"workload.cost.profile=gpt2"}).find("missing key \"tokens\""), std::string::npos);
}

// Measured images or sequences per second × arithmetic of one in training ÷ peak, to the four digits that the file has.
TEST(Devices, SustainWhatTheMeasuredThroughputsOfTheProfilesSay) {
  struct Sustained {
    std::string device, precision, workload;
    double per_second, flops, peak;
  };
  double images = 0, bert = 0;
  for (const LayerProfile& layer : profile_named("resnet50").layers) images += 3 * layer.forward_flops;
  for (const LayerProfile& layer : profile_named("bert_large").layers) bert += 6 * 128 * layer.parameters;
  for (const Sustained& each : {Sustained{"k80", "fp32", "resnet50", 51.5, images, 8.73e12 / 2},
                                {"p100", "fp32", "resnet50", 219, images, 10.6e12},
                                {"v100", "fp32", "resnet50", 367.29, images, 15.7e12},
                                {"a100-40", "bf16", "bert_large", 580, bert, 312e12},
                                {"a100-80", "bf16", "bert_large", 580, bert, 312e12}}) {
    const DeviceSpec device =
        parse(scenario, {fmt::format(R"(cluster.device={{"name": "{}", "precision": "{}", "workload": "{}"}})",
                                     each.device, each.precision, each.workload)})
            .cluster.devices.at(0);
    EXPECT_DOUBLE_EQ(device.peak, each.peak);
    EXPECT_NEAR(device.efficiency, each.per_second * each.flops / each.peak, 0.5e-4) << each.device;
    const auto profile = nlohmann::json::parse(catalogues::profiles().find_entry(each.workload)->text);
    const auto& rows = profile["measured"];
    EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
      return row["samples_per_s"] == each.per_second;
    })) << each.device;
  }
}

TEST(Devices, GivenByNameAreThoseOfTheirFigures) {
  const DeviceSpec v100 = parse(scenario, {}).cluster.devices.at(0);
  EXPECT_DOUBLE_EQ(v100.peak, 15.7e12);
  EXPECT_DOUBLE_EQ(v100.efficiency, 0.5740);
  EXPECT_DOUBLE_EQ(v100.memory_bandwidth, 900e9);
  EXPECT_DOUBLE_EQ(v100.memory, 16e9);
  const DeviceSpec mixed =
      parse(scenario, {R"(cluster.device={"name": "v100", "precision": "fp16", "workload": "bert_large"})"})
          .cluster.devices.at(0);
  EXPECT_DOUBLE_EQ(mixed.peak, 125e12);
  EXPECT_DOUBLE_EQ(mixed.efficiency, 0.4616);
  const DeviceSpec named_late =
      parse(scenario, {"cluster.device=v100", "cluster.device.precision=fp16", "cluster.device.workload=bert_large"})
          .cluster.devices.at(0);
  EXPECT_EQ(named_late.peak, mixed.peak);
  EXPECT_EQ(named_late.efficiency, mixed.efficiency);
}

// 10 samples on 1 TFLOPS × 0.5 and 100 GB/s, 1 us a launch. The first layer computes: 20 GFLOP / 0.5 TFLOPS = 40 ms;
// the second moves 12 MB of weights and 40 MB of activations: 0.52 ms. In half precision it moves half.
TEST(Profiles, OfTwoLayersTakeWhatTheyTakeByHand) {
  const std::vector<std::string> base{
      R"(cluster.device={"peak": "1TFLOPS", "efficiency": 0.5, "memory_bandwidth": "100GBps", "launch_overhead": "1us"})",
      "workload.batch_size=10", "workload.cost.profile=" + path_of("tests/data/profiles/two_layers.json")};
  const auto cost = cost_of(base);
  const double first = 40e-3 + 1e-6, second = 0.52e-3 + 1e-6;
  const StepCost step = cost->step(0, 0, 10);
  EXPECT_NEAR(step.forward, first + second, 1e-15);
  EXPECT_NEAR(step.backward, 2 * (first + second), 1e-15);
  EXPECT_NEAR(step.update, 3 * 16e6 / 100e9 + 1e-6, 1e-15);
  EXPECT_EQ(cost->gradient_bytes(), 16e6);
  EXPECT_EQ(cost->tensor_bytes(), (std::vector<double>{12e6, 4e6}));  // in backward order
  EXPECT_NEAR(cost->ready(0, 12e6), second / (first + second), 1e-14);
  EXPECT_NEAR(cost->ready(0, 12e6 + 1), 1, 1e-14);
  EXPECT_NEAR(cost->ready(0, 16e6), 1, 1e-14);
  auto half = base;
  half.emplace_back("workload.cost.precision=fp16");
  const auto halved = cost_of(half);
  EXPECT_NEAR(halved->step(0, 0, 10).forward, first + 0.26e-3 + 1e-6, 1e-15);
  EXPECT_EQ(halved->gradient_bytes(), 8e6);
}

TEST(Profiles, OfEveryNameMakeACostWhoseTensorsAreItsGradient) {
  for (const std::string& name : catalogues::profiles().kinds()) {
    const bool tokens = profile_named(name).unit == "token";
    const auto cost = cost_of({fmt::format(R"(workload.cost={{"kind": "profile", "profile": "{}"{}}})", name,
                                           tokens ? R"(, "tokens": 128)" : ""),
                               "cluster.memory_check=off"});
    double sum = 0;
    for (const double tensor : cost->tensor_bytes()) sum += tensor;
    EXPECT_EQ(sum, cost->gradient_bytes()) << name;
    EXPECT_NEAR(cost->ready(0, sum), 1, 1e-9) << name;
    EXPECT_GT(cost->ready(0, 1), 0) << name;
  }
}

// The formula a second time, from the file, against the compute time of a run: three passes and the update a step.
TEST(Profiles, ARunOfResNet50OnV100ComputesForAsLongAsTheFormulaSays) {
  double forward = 0, parameters = 0;
  for (const LayerProfile& layer : profile_named("resnet50").layers) {
    const double weights = layer.forward_flops > 0 ? 4 * layer.parameters : 0;
    forward += std::max(32 * layer.forward_flops / (15.7e12 * 0.5740), (weights + 32 * layer.activation_bytes) / 900e9);
    parameters += layer.parameters;
  }
  const Results results = run(scenario, {"numerics=false", "training.stop={\"steps\": 5}"}).results;
  const double expected = 5 * (3 * forward + 3 * 4 * parameters / 900e9);
  EXPECT_NEAR(results.workers.at(0).seconds[0], expected, 5 * 300 * 1e-12);  // a tick a piece
}

}  // namespace
}  // namespace paceline::test
