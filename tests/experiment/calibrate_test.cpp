// Calibration: straight lines against the closed form of weighted least squares, logs and tables made by the simulator
// itself, whose figures must come back, and a real log of nccl-tests.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "sim/comm/timing.hpp"
#include "sim/core/random.hpp"
#include "sim/experiment/calibrate/fits.hpp"
#include "sim/experiment/import/nccl_log.hpp"
#include "tests/support/run.hpp"
#include "topologies/topology_maker.hpp"

namespace paceline::test {
namespace {

std::string written(const std::string& name, const std::string& text) {
  const std::string path = scratch_folder() + "/" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string complaint(const std::function<void()>& call) {
  try {
    call();
  } catch (const ConfigError& error) { return error.what(); }
  return "";
}

// --- fits

// y = a + b x of the keys "a" and "b".
CalibrationModel line(const std::vector<double>& xs) {
  return [xs](const Node& document) {
    std::vector<double> ys;
    for (const double x : xs) ys.push_back(document.find("a")->number + document.find("b")->number * x);
    return ys;
  };
}
Node start() { return parse_document(R"({"a": 1, "b": 1})", "line"); }

// With weights 1/y²: b = (S Sxy − Sx Sy) / D, a = (Sxx Sy − Sx Sxy) / D, D = S Sxx − Sx²; variances s² S / D, s² Sxx /
// D.
TEST(Calibration, OfALineIsWeightedLeastSquares) {
  const std::vector<double> xs{1, 2, 4, 7, 11}, ys{3.1, 4.8, 9.3, 15.2, 22.7};
  double s = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const double w = 1 / (ys[i] * ys[i]);
    s += w, sx += w * xs[i], sy += w * ys[i], sxx += w * xs[i] * xs[i], sxy += w * xs[i] * ys[i];
  }
  const double d = s * sxx - sx * sx, b = (s * sxy - sx * sy) / d, a = (sxx * sy - sx * sxy) / d;
  double squares = 0;
  for (std::size_t i = 0; i < xs.size(); ++i) squares += std::pow((a + b * xs[i]) / ys[i] - 1, 2);
  const Calibration made = calibrate(start(), {knob_of(start(), "a"), knob_of(start(), "b")}, ys, line(xs));
  EXPECT_NEAR(made.knobs[0].value, a, 1e-9);
  EXPECT_NEAR(made.knobs[1].value, b, 1e-9);
  EXPECT_NEAR(made.knobs[0].standard_error, std::sqrt(squares / 3 * sxx / d), 1e-6);
  EXPECT_NEAR(made.knobs[1].standard_error, std::sqrt(squares / 3 * s / d), 1e-6);
  EXPECT_NEAR(made.model[2], a + 4 * b, 1e-9);
}

// Below 0 the line would fit best: it goes through 0 then, b = Σ (x/y) / Σ (x/y)².
TEST(Calibration, KeepsFiguresFromBecomingNegative) {
  const std::vector<double> xs{1, 2, 3}, ys{1, 4, 7};
  double first = 0, second = 0;
  for (std::size_t i = 0; i < xs.size(); ++i) first += xs[i] / ys[i], second += std::pow(xs[i] / ys[i], 2);
  const Calibration made = calibrate(start(), {knob_of(start(), "a"), knob_of(start(), "b")}, ys, line(xs));
  EXPECT_EQ(made.knobs[0].value, 0);
  EXPECT_TRUE(made.knobs[0].at_bound);
  EXPECT_NEAR(made.knobs[1].value, first / second, 1e-9);
  EXPECT_FALSE(made.knobs[1].at_bound);
}

TEST(Calibration, SaysWhatItCannotTellApart) {
  const std::vector<double> xs{1, 2, 3};
  const CalibrationModel sums = [&](const Node& document) {
    std::vector<double> ys;
    for (const double x : xs) ys.push_back((document.find("a")->number + document.find("b")->number) * x);
    return ys;
  };
  const Calibration made =
      calibrate(start(), {knob_of(start(), "a"), knob_of(start(), "b")}, std::vector<double>{5, 10, 15}, sums);
  EXPECT_TRUE(made.knobs[0].told);
  EXPECT_NEAR(made.knobs[0].value, 4, 1e-9);
  EXPECT_FALSE(made.knobs[1].told);
  EXPECT_EQ(made.knobs[1].value, 1);
}

// At a = 1, where it begins, the model turns: beyond it goes down, though the slope before says up.
TEST(Calibration, SaysWhereNoStepLeadsOn) {
  const CalibrationModel step = [](const Node& document) {
    const double a = document.find("a")->number;
    return std::vector<double>{a < 1 ? 1.0 + a : 3 - 2 * (a - 1), 2.0};
  };
  const Calibration stuck = calibrate(start(), {knob_of(start(), "a")}, std::vector<double>{4, 2}, step);
  EXPECT_FALSE(stuck.found);
  const Calibration smooth = calibrate(start(), {knob_of(start(), "a")}, std::vector<double>{2, 4}, line({1, 3}));
  EXPECT_TRUE(smooth.found);
}

TEST(Calibration, ReadsItsKeys) {
  const Node document = parse_document(R"({"link": {"latency": "2us", "kind": "x", "bandwidth": "0GBps"}})", "t.json");
  const Knob latency = knob_of(document, "link.latency");
  EXPECT_EQ(latency.value, 2e-6);
  EXPECT_EQ(latency.dimension, Dimension::duration);
  EXPECT_EQ(latency.node().text, "2e-06s");
  EXPECT_EQ(knob_of(document, "link.efficiency").value, 1);
  EXPECT_EQ(complaint([&] { knob_of(document, "link.kind"); }),
            "t.json:1:37: /link.kind: must be a number or have a unit to be fitted, and is the text \"x\"");
  EXPECT_EQ(complaint([&] { knob_of(document, "link.width"); }),
            "t.json:1:1: /link.width: is not there to be fitted: give it a first value; there are: latency, kind, "
            "bandwidth");
  EXPECT_EQ(complaint([&] { knob_of(document, "link.latancy"); }),
            "t.json:1:1: /link.latancy: is not there to be fitted: give it a first value; did you mean \"latency\"? "
            "There are: latency, kind, bandwidth");
  EXPECT_EQ(complaint([&] { knob_of(document, "link.bandwidth"); }),
            "t.json:1:55: /link.bandwidth: must be above 0 to be fitted");
  EXPECT_EQ(complaint([&] {
              calibrate(start(), {knob_of(start(), "a"), knob_of(start(), "b")}, std::vector<double>{1}, line({1}));
            }),
            "line:1:1: 2 figures cannot be fitted to 1 measurements");
}

// --- logs

const std::string real_log = path_of("tests/data/imports/h100_1node_8gpu.log");

TEST(NcclLog, OfEightH100HasItsPublishedFacts) {
  const std::vector<NcclTest> tests = read_nccl_log(real_log);
  const std::vector<std::string> names{"all_reduce", "all_gather", "reduce_scatter", "alltoall", "sendrecv"};
  ASSERT_EQ(tests.size(), names.size());
  for (std::size_t t = 0; t < tests.size(); ++t) {
    EXPECT_EQ(tests[t].operation, names[t]);
    EXPECT_EQ(tests[t].ranks, 8);
    ASSERT_EQ(tests[t].rows.size(), 10u);
    EXPECT_EQ(tests[t].rows.front().bytes, 33554432);
    EXPECT_EQ(tests[t].rows.back().bytes, 17179869184);
  }
  EXPECT_NEAR(tests[0].rows.back().seconds, 62340.7e-6, 1e-12);
  EXPECT_NEAR(*tests[0].rows.back().in_place_s, 62359.0e-6, 1e-12);
  EXPECT_EQ(tests[0].average_busbw, 437.957);
  // busbw = S / time · 2 (N − 1) / N, and their average over both columns is the printed one.
  double sum = 0;
  for (const NcclTest::Row& row : tests[0].rows)
    sum += row.bytes * 1.75e-9 * (1 / row.seconds + 1 / *row.in_place_s) / 2;
  EXPECT_NEAR(sum / 10, 437.957, 1e-4 * 437.957) << "times have four to six digits";
}

TEST(NcclLog, OfOtherVersionsAndWithPrefixesIsRead) {
  const std::string plain = R"(# nThread 1 nGpus 1 minBytes 8 maxBytes 1024 step: 2(factor) warmup iters: 5 iters: 20
#   Rank  0 Pid  11 on a device  0 [0x1b] A100
#   Rank  1 Pid  12 on a device  1 [0x43] A100
#                                                     out-of-place                       in-place
#       size         count    type   redop     time   algbw   busbw  error     time   algbw   busbw  error
        1024           256   float     sum    12.50    0.08    0.08  2e-07    12.25    0.08    0.08  2e-07
        2048           512   float     sum    13.50    0.15    0.15  2e-07      N/A     N/A     N/A    N/A
# Avg bus bandwidth    : 0.1
)";
  std::string prefixed, glued;
  std::istringstream lines(plain);
  for (std::string line; std::getline(lines, line);) {
    prefixed += "0: " + line + "\n";
    glued += "[1,0]<stdout>:" + line + "\n";
  }
  for (const std::string& text : {plain, prefixed, glued, "+ ./build/all_reduce_perf -b 8 -e 1K\n" + prefixed}) {
    const std::vector<NcclTest> tests = read_nccl_log(written("log.txt", text));
    ASSERT_EQ(tests.size(), 1u);
    EXPECT_EQ(tests[0].ranks, 2) << text;
    ASSERT_EQ(tests[0].rows.size(), 2u) << text;
    EXPECT_EQ(tests[0].rows[0].bytes, 1024);
    EXPECT_NEAR(tests[0].rows[0].seconds, 12.5e-6, 1e-15);
    EXPECT_NEAR(tests[0].rows[0].in_place_s.value_or(0), 12.25e-6, 1e-15);
    EXPECT_FALSE(tests[0].rows[1].in_place_s);
    EXPECT_EQ(tests[0].average_busbw, 0.1);
    EXPECT_EQ(tests[0].operation, text[0] == '+' ? "all_reduce" : "");
  }
}

// The real log without its tests' names, as before 2.17: with 7/8 of the bytes to be sent, or twice that, or all.
TEST(NcclLog, ThatNamesNoTestsTellsTwoByTheirColumns) {
  std::string nameless;
  std::istringstream lines(read_text(real_log));
  for (std::string line; std::getline(lines, line);)
    if (line.find("_perf") == line.npos) nameless += line + "\n";
  const std::string all = written("log.txt", nameless);
  std::vector<std::string> operations;
  for (const NcclTest& test : read_nccl_log(all)) operations.push_back(test.operation);
  EXPECT_EQ(operations, (std::vector<std::string>{"all_reduce", "", "reduce_scatter", "", ""}));
  const auto second = nameless.find("# nccl-tests", 1), third = nameless.find("# nccl-tests", second + 1);
  const std::string gathers = written("log.txt", nameless.substr(second, third - second));
  const std::string topology = path_of("topologies/dgx-h100.json");
  std::vector<std::string> notes;
  const auto fits = fit_log(gathers, topology, {.operations = {"all_gather"}}, notes);
  ASSERT_EQ(fits.size(), 1u);
  EXPECT_EQ(fits[0].name, "all_gather, 8 ranks");
  EXPECT_EQ(complaint([&] { fit_log(gathers, topology, {}, notes); }),
            gathers +
                ": nothing to fit; left out: a test that the log does not name; say which it is, as in --ops "
                "all_gather");
  notes.clear();
  EXPECT_EQ(fit_log(all, topology, {}, notes).size(), 2u);
  ASSERT_EQ(notes.size(), 3u);
  EXPECT_EQ(notes[0],
            "left out: a test that the log does not name; give it alone and say which it is, as in --ops all_gather");
}

TEST(NcclLog, OfAFailedRunSaysHowItEnded) {
  const std::string path = written("log.txt",
                                   "# nThread 1 nGpus 1\n#  Rank  0 Group  0 Pid 1 on a device  0\n"
                                   "a: Test NCCL failure common.cu:958 'unhandled system error'\n\n");
  EXPECT_EQ(complaint([&] { read_nccl_log(path); }),
            path +
                ": holds no table of nccl-tests; it ends with \"a: Test NCCL failure common.cu:958 'unhandled "
                "system error'\"");
  const std::string empty = written("empty.txt", "");
  EXPECT_EQ(complaint([&] { read_nccl_log(empty); }), empty + ": is empty");
}

constexpr double smallest = 1 << 20;

TEST(CalibrateLog, EveryRowOfTheCollectivesOfEightH100IsWithinTenPercent) {
  std::vector<std::string> notes;
  const auto fits = fit_log(real_log, path_of("topologies/dgx-h100.json"), {.smallest = smallest}, notes);
  ASSERT_EQ(fits.size(), 5u);
  EXPECT_TRUE(notes.empty());
  for (std::size_t t = 0; t < 4; ++t) {
    EXPECT_LE(fits[t].made.largest_error(fits[t].measured), .10) << fits[t].name;
    EXPECT_LE(fits[t].made.mean_error(fits[t].measured), .03) << fits[t].name;
    EXPECT_TRUE(fits[t].made.found) << fits[t].name;
  }
  EXPECT_EQ(fits[0].by, "in_network") << "482 GB/s are more than a ring could have on links of 450";
  EXPECT_EQ(fits[1].by, "ring");
  // Twice as many bytes take no longer at 128 MiB: no latency and bandwidth do that.
  EXPECT_GT(fits[4].made.largest_error(fits[4].measured), .10);
}

// A log of the simulator itself: the figures behind it come back, and with noise within 4 standard errors.
TEST(CalibrateLog, GivesBackTheFiguresOfASimulatedCluster) {
  const std::string topology = R"({"kind": "star", "bandwidth": "100Gbps", "latency": "EACH", "efficiency": SHARE})";
  const auto with = [&](const std::string& latency, const std::string& share) {
    std::string text = topology;
    text.replace(text.find("EACH"), 4, latency);
    text.replace(text.find("SHARE"), 5, share);
    return text;
  };
  Node truth = parse_document(with("7us", "0.85"), "truth");
  const TopologyMaker maker = topologies::read_topology(truth);
  const auto built = maker.build(maker.room(4));
  Node words = parse_document(R"({"algorithm": "ring"})", "ring");
  Reader::Context context;
  const AlgorithmMaker ring = Reader(words, "", context).kind_or_name("algorithm", collectives::all(), {});
  const std::vector<int> nodes{0, 1, 2, 3};
  for (const double noise : {0.0, 0.02}) {
    std::string log = "# all_reduce_perf\n# nThread 1\n";
    for (int rank = 0; rank < 4; ++rank) log += fmt::format("# Rank {} Group 0 Pid 1 on a\n", rank);
    const Stream draws(1, "noise", 0);
    for (int i = 0; i < 12; ++i) {
      const double bytes = double(1 << 20) * (1 << i);
      const double seconds = time_collective(*built, nodes, *ring, Op::all_reduce, bytes, Fidelity::fluid).seconds *
                             (1 + noise * (2 * draws.uniform(std::uint64_t(i)) - 1));
      log += fmt::format("{:.0f} 1 float sum -1 {:.9g} 1 1 0 {:.9g} 1 1 0\n", bytes, 1e6 * seconds, 1e6 * seconds);
    }
    std::vector<std::string> notes;
    const auto fits = fit_log(written("log.txt", log), written("t.json", with("1us", "0.5")), {}, notes);
    ASSERT_EQ(fits.size(), 1u);
    const std::vector<Knob>& knobs = fits[0].made.knobs;
    const double allowed = noise == 0 ? 1e-6 : 4;
    EXPECT_NEAR(knobs[0].value, 0.85, noise == 0 ? 1e-6 : allowed * knobs[0].standard_error);
    EXPECT_NEAR(knobs[1].value, 7e-6, noise == 0 ? 1e-9 : allowed * knobs[1].standard_error);
    EXPECT_FALSE(knobs[2].told) << "an overhead is a latency on a star";
    EXPECT_LE(fits[0].made.largest_error(fits[0].measured), noise == 0 ? 1e-6 : 2 * noise);
  }
}

// Two hosts of eight: a ring has one card between them, the hierarchical way all eight, of the network's figures.
TEST(CalibrateLog, OfSeveralHostsFindsTheAlgorithm) {
  const std::string cluster = path_of("topologies/dgx-h100.json");
  Node truth = read_extended(cluster);
  const auto built = topologies::read_topology(truth).build(16);
  Node words = parse_document(R"({"algorithm": "hierarchical"})", "words");
  Reader::Context context;
  const AlgorithmMaker algorithm = Reader(words, "", context).kind_or_name("algorithm", collectives::all(), {});
  std::vector<int> nodes(16);
  std::iota(nodes.begin(), nodes.end(), 0);
  std::string log = "# all_reduce_perf\n# nThread 1\n";
  for (int rank = 0; rank < 16; ++rank) log += fmt::format("# Rank {} Group 0 Pid 1 on h{}\n", rank, rank / 8);
  for (const double bytes : {1e6, 1e7, 1e8, 1e9, 1e10}) {
    const double us = 1e6 * time_collective(*built, nodes, *algorithm, Op::all_reduce, bytes, Fidelity::fluid).seconds;
    log += fmt::format("{:.0f} 1 float sum -1 {:.9g} 1 1 0 {:.9g} 1 1 0\n", bytes, us, us);
  }
  const std::string path = written("log.txt", log);
  std::vector<std::string> notes;
  const auto fits = fit_log(path, cluster, {}, notes);
  ASSERT_EQ(fits.size(), 1u);
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(fits[0].by, "hierarchical");
  EXPECT_EQ(fits[0].made.knobs[0].key, "efficiency");
  EXPECT_NEAR(fits[0].made.knobs[0].value, 0.9937, 1e-6);
  EXPECT_NEAR(fits[0].made.knobs[1].value, 7e-6, 1e-10);
  fit_log(path, cluster, {.algorithm = "ring"}, notes);
  EXPECT_EQ(notes, std::vector<std::string>{"all_reduce: the links would have to carry more than their bandwidth; the "
                                            "topology, the link or the algorithm is another"});
}

TEST(CalibrateLog, SaysWhatIsMissing) {
  std::vector<std::string> notes;
  const std::string log = written("log.txt", "# gather_perf\n# nThread 1\n1024 1 float sum -1 5 1 1 0 5 1 1 0\n");
  const std::string star = path_of("topologies/rack-25gbe.json");
  EXPECT_EQ(complaint([&] { fit_log(log, star, {}, notes); }),
            log + ": does not say how many ranks gather had; give --ranks");
  EXPECT_EQ(complaint([&] { fit_log(log, star, {.ranks = 2}, notes); }),
            log + ": nothing to fit; left out: gather, which is no operation here");
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0], "left out: gather, which is no operation here");
  EXPECT_NE(complaint([&] {
              fit_log(real_log, path_of("topologies/fat-tree-1024.json"), {.link = "nowhere"}, notes);
            }).find(": has no nowhere.bandwidth to be fitted; --link takes "),
            std::string::npos);
  // The cube mesh of a DGX-1 is a list of links; its network is none for one host.
  EXPECT_NE(complaint([&] {
              fit_log(real_log, path_of("topologies/dgx1-v100.json"), {}, notes);
            }).find(": has no hosts.fabric.bandwidth to be fitted; nor any other link that is not one of a list"),
            std::string::npos);
}

// --- tables

const char* scenario = R"({"numerics": false, "seed": 1,
  "cluster": {"workers": 1, "topology": {"kind": "star", "bandwidth": "10Gbps", "latency": "5us"},
              "device": {"peak": "10TFLOPS", "efficiency": 0.9, "memory_bandwidth": "900GBps"}},
  "workload": {"model": {"kind": "softmax_regression"}, "dataset": {"kind": "blobs"}, "batch_size": 32,
               "cost": {"kind": "profile", "profile": "resnet50"}},
  "training": {"strategy": {"kind": "bsp"}, "optimizer": {"kind": "sgd", "learning_rate": 0.1}, "stop": {"steps": 2}}})";

TEST(CalibrateTable, GivesBackEfficiencyAndOverheadOfADevice) {
  // As a spreadsheet writes it: a byte order mark, quotes, carriage returns.
  std::string table = "\xEF\xBB\xBF\"workload.batch_size\", throughput_samples_per_s\r\n# of one device\n\n";
  for (const int batch : {8, 16, 64, 256})
    table += fmt::format("{}, {}\n", batch, [&] {
      const Results r = run(scenario, {fmt::format("workload.batch_size={}", batch), "cluster.device.efficiency=0.41",
                                       "cluster.device.launch_overhead=30us", "output.steps=false"})
                            .results;
      return double(r.samples) / r.simulated_time_s;
    }());
  const Fitted fitted = fit_table(written("table.csv", table), written("s.json", scenario),
                                  {"cluster.device.efficiency", "cluster.device.launch_overhead"});
  EXPECT_NEAR(fitted.made.knobs[0].value, 0.41, 1e-6);
  EXPECT_NEAR(fitted.made.knobs[1].value, 30e-6, 1e-10);
  EXPECT_EQ(fitted.labels[1], "batch_size 16");
  EXPECT_LE(fitted.made.largest_error(fitted.measured), 1e-6);
}

TEST(CalibrateTable, SaysWhatIsWrongWithIt) {
  const std::string file = written("s.json", scenario);
  const std::pair<const char*, const char*> wrong[] = {
      {"throughput_samples_per_s\n", ": must be a table: a line of names, and a line for each measurement"},
      {"cluster.workers\n4\n",
       ": must name one figure of the summary, as in throughput_samples_per_s, beside dotted keys"},
      {"cluster.workers,throughput_samples_per_s\n1\n", ": /row 1: has 1 cells, not 2"},
      {"cluster.workers,throughput_sample_per_s\n1,5\n",
       ": no figure of the summary is called \"throughput_sample_per_s\"; did you mean \"throughput_samples_per_s\"?"},
      {"cluster.device.efficiency,throughput_samples_per_s\n.5,7\n",
       ": \"cluster.device.efficiency\" is a column; it cannot be fitted, too"},
      {"cluster.workers,throughput_samples_per_s\n1,100 img/s\n", ": /row 1: \"100 img/s\" must be a number above 0"},
      {"cluster.workers,throughput_samples_per_s\n1,many\n", ": /row 1: \"many\" must be a number above 0"}};
  for (const auto& [text, message] : wrong) {
    const std::string path = written("table.csv", text);
    const std::string said = complaint([&] { fit_table(path, file, {"cluster.device.efficiency"}); });
    EXPECT_EQ(said.substr(0, said.find(" There are: ")), path + message);
  }
}

}  // namespace
}  // namespace paceline::test
