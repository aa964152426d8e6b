// What fused and analytic runs leave out: collectives whose messages share links, against single messages. The ratios
// are in tests/README.md; their bounds are held here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/comm/timing.hpp"
#include "sim/core/random.hpp"
#include "topologies/topology_maker.hpp"

namespace paceline::test {
namespace {

std::unique_ptr<const Topology> built(const std::string& text, int nodes) {
  Node document = parse_document(text, "test.json");
  Reader::Context context;
  Reader in(document, "", context);
  in.ignore("kind", "text", "");
  return topologies::all().read(in, *document.find("kind")).build(nodes);
}

const std::string star = R"({"kind": "star", "bandwidth": "100Gbps", "latency": "2us"})";
const std::string leaf_spine =
    R"({"kind": "leaf_spine", "leaves": 8, "nodes_per_leaf": 8, "spines": 2,
        "node_link": {"bandwidth": "100Gbps", "latency": "1us"}, "uplink": {"bandwidth": "100Gbps", "latency": "1us"}})";

struct Case {
  const char* name;
  const std::string& topology;
  const char* algorithm;
  Op op;
  bool scattered;      // ranks in no order
  double least, most;  // bounds of fused / fluid
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

class Contended : public ::testing::TestWithParam<Case> {};

TEST_P(Contended, FusedStaysWithinItsBounds) {
  const Case& each = GetParam();
  const auto topology = built(each.topology, 64);
  std::vector<int> nodes;
  for (int node = 0; node < 64; ++node) nodes.push_back(node);
  if (each.scattered)
    for (std::size_t i = nodes.size() - 1; i > 0; --i)
      std::swap(nodes[i], nodes[std::size_t(Stream(1, "test", 0).uniform(i) * double(i + 1))]);
  const AlgorithmMaker algorithm = collectives::all().named(each.algorithm);
  for (const double bytes : {64e3, 4e6, 256e6}) {
    const auto seconds = [&](Fidelity fidelity) {
      return time_collective(*topology, nodes, *algorithm, each.op, bytes, fidelity).seconds;
    };
    const double fluid = seconds(Fidelity::fluid);
    const double fused = seconds(Fidelity::fused) / fluid, analytic = seconds(Fidelity::analytic) / fluid;
    EXPECT_GE(fused, each.least) << bytes;
    EXPECT_LE(fused, each.most) << bytes;
    EXPECT_GE(analytic, fused * (1 - 1e-9)) << "the plan's phases do not take longer than their fullest links say";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Contended,
    ::testing::Values(Case{"tree_on_a_star", star, "tree", Op::all_reduce, false, 0.86, 1},
                      Case{"double_tree_on_a_star", star, "double_tree", Op::all_reduce, false, 0.77, 1},
                      Case{"broadcast_on_a_star", star, "tree", Op::broadcast, false, 0.61, 1},
                      Case{"ring_packed", leaf_spine, "ring", Op::all_reduce, false, 1 - 1e-6, 1 + 1e-6},
                      Case{"ring_scattered", leaf_spine, "ring", Op::all_reduce, true, 1, 1.12},
                      Case{"halving_doubling_packed", leaf_spine, "halving_doubling", Op::all_reduce, false, 0.84, 1.1},
                      Case{"halving_doubling_scattered", leaf_spine, "halving_doubling", Op::all_reduce, true, 1, 1.23},
                      Case{"double_tree_scattered", leaf_spine, "double_tree", Op::all_reduce, true, 0.93, 1.01},
                      Case{"in_network_packed", leaf_spine, "in_network", Op::all_reduce, false, 1 - 1e-6, 1 + 1e-6},
                      Case{"all_to_all_packed", leaf_spine, "direct", Op::all_to_all, false, 1 - 1e-6, 1 + 1e-6}),
    [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace paceline::test
