// The ready clusters against measured collectives (stas00/ml-engineering, network/README.md, commit 744d01e1). What a
// file was calibrated on stands in its head; all else is predicted.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "sim/comm/timing.hpp"
#include "tests/support/run.hpp"
#include "topologies/topology_maker.hpp"

namespace paceline::test {
namespace {

constexpr double kibibyte = 1024, mebibyte = 1024 * kibibyte, gibibyte = 1024 * mebibyte;

AlgorithmMaker algorithm(const std::string& words) {
  Node document = parse_document("{\"algorithm\": " + words + "}", "test.json");
  Reader::Context context;
  return Reader(document, "", context).kind_or_name("algorithm", collectives::all(), {});
}

// Seconds of an all-reduce on the first ranks of a ready cluster.
double seconds(const std::string& cluster, int ranks, const std::string& words, double bytes) {
  Node document = read_extended(path_of("topologies/" + cluster + ".json"));
  const TopologyMaker maker = topologies::read_topology(document);
  const auto topology = maker.build(maker.room(ranks));
  std::vector<int> nodes(static_cast<std::size_t>(ranks));
  std::iota(nodes.begin(), nodes.end(), 0);
  return time_collective(*topology, nodes, *algorithm(words), Op::all_reduce, bytes, Fidelity::fluid).seconds;
}

double busbw(const std::string& cluster, int ranks, const std::string& words, double bytes) {
  return bytes / seconds(cluster, ranks, words, bytes) * 2 * (ranks - 1) / ranks;
}

// p3dn with EFA, 8 GPUs per node, 8 bytes: 163.4 us on 2 nodes and 319.4 us on 4.
TEST(PublishedCollectives, LatenciesOverEfaWithinFivePercent) {
  EXPECT_NEAR(seconds("aws-p3dn", 16, "\"ring\"", 8), 163.4e-6, .05 * 163.4e-6);
  EXPECT_NEAR(seconds("aws-p3dn", 32, "\"ring\"", 8), 319.4e-6, .05 * 319.4e-6);
}

// Eight B200 of one node; the file knows the first figure and the last.
TEST(PublishedCollectives, BusBandwidthOfB200OverAllSizes) {
  const std::pair<double, double> measured[] = {
      {32 * kibibyte, 1.20},   {256 * kibibyte, 9.54},  {mebibyte, 36.06},        {4 * mebibyte, 76.48},
      {16 * mebibyte, 254.96}, {64 * mebibyte, 400.60}, {128 * mebibyte, 568.38}, {512 * mebibyte, 688.99},
      {gibibyte, 723.34},      {4 * gibibyte, 740.64},  {16 * gibibyte, 845.67}};
  double squares = 0;
  for (const auto& [bytes, expected] : measured) {
    const double off = std::log10(busbw("hgx-b200", 8, "\"ring\"", bytes) / (expected * 1e9));
    squares += off * off;
  }
  EXPECT_LE(std::sqrt(squares / std::size(measured)), .15);
  EXPECT_NEAR(busbw("hgx-b200", 8, "\"ring\"", 32 * kibibyte), 1.20e9, .01 * 1.20e9);
  EXPECT_NEAR(busbw("hgx-b200", 8, "\"ring\"", 16 * gibibyte), 845.67e9, .01 * 845.67e9);
}

// H200, 8 GiB: a ring does not depend on the number of GPUs, in-network reduction does: S (1 + 1/N) per direction. The
// link is that of dgx-h100, 450 GB/s; 365 of them were measured for a ring, 305 for switches that add: 305 / 365.
TEST(PublishedCollectives, InNetworkReductionAgainstRingWithinFivePercent) {
  const std::tuple<int, double, double> measured[] = {
      {4, 363.3, 363.3}, {5, 414.2, 364.4}, {6, 435.6, 365.1}, {7, 460.0, 365.7}, {8, 473.1, 365.6}};
  for (const auto& [gpus, in_network, ring] : measured) {
    const double adding = busbw("dgx-h100", gpus, R"({"kind": "in_network", "efficiency": 0.8356})", 8 * gibibyte);
    EXPECT_NEAR(adding, in_network * 1e9, .05 * in_network * 1e9) << gpus;
    EXPECT_NEAR(busbw("dgx-h100", gpus, "\"ring\"", 8 * gibibyte), ring * 1e9, .05 * ring * 1e9) << gpus;
  }
}

}  // namespace
}  // namespace paceline::test
