// bench-collective, through the program itself: its figures against closed forms, its words.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;

const std::string star = path_of("tests/data/topologies/star.json");  // 100 Gbps, 2.5 us a link

TEST(BenchCollective, PrintsTheBandwidthsOfNcclTests) {
  const Finished finished =
      paceline({"bench-collective", star, "--ranks", "8", "--ops", "all_reduce,all_gather,reduce_scatter,all_to_all",
                "--sizes", "1KiB:1MiB", "--factor", "1024", "--algorithm", "auto", "--json"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Json report = Json::parse(finished.out);
  EXPECT_EQ(report["ranks"], 8);
  ASSERT_EQ(report["rows"].size(), 8u);
  for (const Json& row : report["rows"]) {
    const double size = row["size_bytes"], time = row["time_s"], algbw = row["algbw_bytes_per_s"];
    EXPECT_DOUBLE_EQ(algbw, size / time);
    const double factor = (row["operation"] == "all_reduce" ? 2.0 : 1.0) * 7 / 8;
    EXPECT_DOUBLE_EQ(row["busbw_bytes_per_s"], algbw * factor);
    EXPECT_LE(double(row["busbw_bytes_per_s"]), 12.5e9);
  }
}

TEST(BenchCollective, TakesTheClosedFormOfItsAlgorithm) {
  for (const char* fidelity : {"fluid", "fused", "analytic"}) {
    const Finished finished = paceline({"bench-collective", star, "--ranks", "8", "--sizes", "102228128B",
                                        "--algorithm", "ring", "--fidelity", fidelity, "--json"});
    ASSERT_EQ(finished.code, 0) << finished.err;
    const Json row = Json::parse(finished.out)["rows"][0];
    EXPECT_NEAR(double(row["time_s"]), 14.38194e-3, 5e-9);
    EXPECT_EQ(row["algorithm"], "ring");
    EXPECT_EQ(row["fidelity"], fidelity);
  }
}

TEST(BenchCollective, PrintsATable) {
  const Finished finished = paceline({"bench-collective", star, "--ranks", "4", "--sizes", "1KiB:4KiB"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("# all_reduce: 4 ranks on 4 hosts of star.json"), std::string::npos) << finished.out;
  for (const char* word : {"size", "algbw", "busbw", "(GB/s)", "1024", "4096", "recursive_doubling"})
    EXPECT_NE(finished.out.find(word), std::string::npos) << word << " in\n" << finished.out;
}

TEST(BenchCollective, SaysWhatIsWrong) {
  const auto complaint = [](std::vector<std::string> more, int code = 2) {
    more.insert(more.begin(), {"bench-collective", star});
    const Finished finished = paceline(more);
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_EQ(finished.out, "");
    return finished.err;
  };
  EXPECT_EQ(complaint({"--ops", "all_reduse"}),
            "paceline: --ops: unknown \"all_reduse\"; did you mean \"all_reduce\"? There are: all_reduce, "
            "reduce_scatter, all_gather, broadcast, all_to_all\n");
  EXPECT_EQ(complaint({"--sizes", "big"}), "paceline: --sizes: \"big\" must be a size from 1B on, as in 1KiB\n");
  EXPECT_EQ(complaint({"--sizes", "1MiB:1KiB"}), "paceline: --sizes: \"1MiB:1KiB\" ends below its start\n");
  EXPECT_EQ(complaint({"--ops", "broadcast", "--algorithm", "ring"}),
            "paceline: broadcast by ring: does all_reduce, reduce_scatter and all_gather\n");
  EXPECT_NE(complaint({"--algorithm", "rign"}, 3).find("did you mean \"ring\""), std::string::npos);
}

}  // namespace
}  // namespace paceline::test
