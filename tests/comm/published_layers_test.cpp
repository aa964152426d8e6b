// Layer-wise overlap against a published grid (arXiv 2006.10103, netx-repo/training-bottleneck, commit f81b140e):
// backward traces of a V100, buckets that close at 64 MiB or after 5 ms, a ring whose additions take what was measured;
// scaling factor = batch time / (batch time + what of the communication is left after the backward).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

constexpr const char* addition =
    "[[40, 10.44], [80, 9.78], [160, 9.47], [320, 9.93], [640, 9.63], [1280, 9.42], [2560, 10.80], [5120, 9.47], "
    "[10240, 9.37], [20480, 9.37], [40960, 11.62], [81920, 9.54], [163840, 9.31], [327680, 10.33], [655360, 10.28], "
    "[1310720, 10.70], [2621440, 18.16], [5242880, 28.93], [10485760, 48.22], [20971520, 85.26], [41943040, 160.96], "
    "[83886080, 313.76], [167772160, 615.93], [335544320, 1222.95], [671088640, 2433.68]]";

double scaling(const std::string& model, double batch_seconds, int workers, double gbps, const char* fidelity) {
  const std::string cost = fmt::format(R"({{"kind": "layer_trace", "file": {}, "update": "0s"}})",
                                       read_text(path_of("tests/data/layers/" + model + ".json")));
  const std::string aggregate = fmt::format(
      R"({{"kind": "all_reduce", "bucket": "64MiB", "bucket_time": "5ms",
           "algorithm": {{"kind": "ring", "addition": {{"table": {}}}}}}})",
      addition);
  const Results r =
      run("tests/data/scenarios/timing.json",
          {fmt::format("cluster.workers={}", workers), "workload.batch_size=32", "output.steps=false",
           fmt::format(R"(cluster.topology={{"kind": "star", "bandwidth": "{}Gbps", "latency": "0s"}})", gbps),
           fmt::format("cluster.network.fidelity={}", fidelity), "workload.cost=" + cost,
           "training.strategy={\"kind\": \"bsp\", \"aggregate\": " + aggregate + "}"})
          .results;
  EXPECT_TRUE(r.all_hold());
  return batch_seconds / r.simulated_time_s;
}

struct Grid {
  const char* model;
  double batch_seconds;
  double cells[3][5];  // 16, 32, 64 workers; 1, 10, 25, 40, 100 Gbps
};

constexpr Grid grids[] = {
    {"resnet50",
     0.128086,
     {{.0798, .5718, .9702, .9983, .9987}, {.0773, .5545, .9423, .9971, .9975}, {.0760, .5397, .9103, .9943, .9946}}},
    {"vgg16",
     0.194524,
     {{.0232, .2119, .4634, .6589, .9985}, {.0224, .2052, .4490, .6388, .9969}, {.0221, .2013, .4387, .6221, .9935}}}};

class PublishedLayers : public ::testing::TestWithParam<const char*> {};

TEST_P(PublishedLayers, EveryCellOfTheGridIsMet) {
  const double gbps[] = {1, 10, 25, 40, 100};
  for (const Grid& grid : grids)
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 5; ++column) {
        const bool rough = grid.model == std::string("vgg16") && row == 2 && column == 3;
        EXPECT_NEAR(scaling(grid.model, grid.batch_seconds, 16 << row, gbps[column], GetParam()),
                    grid.cells[row][column], rough ? 2e-3 : 1e-3)
            << grid.model << ", " << (16 << row) << " workers, " << gbps[column] << " Gbps";
      }
}

INSTANTIATE_TEST_SUITE_P(Fidelities, PublishedLayers, ::testing::Values("fluid", "fused", "analytic"),
                         [](const auto& of) { return std::string(of.param); });

}  // namespace
}  // namespace paceline::test
