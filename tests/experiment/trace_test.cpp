// Traces: the format's rules on every scenario, sums against the attribution in the results, windows and filters,
// what is left of a run that is killed, and the other two formats against the same figures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "sim/experiment/trace/growing_file.hpp"
#include "tests/support/process.hpp"
#include "tests/support/protobuf.hpp"
#include "tests/support/run.hpp"
#include "tests/support/trace.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;
using testing::IsEmpty;

std::vector<std::string> scenarios() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path_of("scenarios"))) {
    const std::string folder = entry.path().parent_path().filename();
    if (entry.path().extension() == ".json" && folder != "common" && folder != "sweeps")
      names.push_back("scenarios" + entry.path().string().substr(path_of("scenarios").size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

const std::vector<std::string> short_run{"numerics=false", "output.steps=false", "training.stop={\"steps\": 4}"};

std::vector<std::string> with(std::vector<std::string> base, const std::vector<std::string>& more) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

// Seconds of slices of one worker, by lane and first word of their names.
std::map<std::string, double> seconds_of(const Json& trace, int worker) {
  std::map<std::string, double> sums;
  for (const Json& event : trace.at("traceEvents"))
    if (event.at("ph") == "X" && event.at("pid") == worker + 1) {
      const std::string category = event.at("cat"), name = event.at("name");
      sums[category] += event.at("dur").get<double>() * 1e-6;
      sums[category + " " + name.substr(0, name.find(' '))] += event.at("dur").get<double>() * 1e-6;
    }
  return sums;
}

std::set<std::string> names_of(const Json& trace, const std::string& category) {
  std::set<std::string> names;
  for (const Json& event : trace.at("traceEvents"))
    if (event.value("cat", "") == category) names.insert(event.at("name"));
  return names;
}

TEST(Trace, KeepsTheRulesOfItsFormatInEveryScenario) {
  for (const std::string& scenario : scenarios()) {
    const Traced run = traced(scenario, with(short_run, {"output.trace.most_events=20000"}));
    const Json trace = run.json();
    EXPECT_THAT(broken_rules(trace, run.results.simulated_time_s * 1e6), IsEmpty()) << scenario;
    EXPECT_GT(trace.at("traceEvents").size(), 20u) << scenario;
  }
}

TEST(Trace, ChangesNothingOfTheRun) {
  for (const char* scenario : {"scenarios/bsp.json", "scenarios/first_run.json", "scenarios/flaky_links.json"})
    EXPECT_EQ(traced(scenario, short_run).results.fingerprint, run(scenario, short_run).results.fingerprint)
        << scenario;
}

// Rounding: every slice is exact to a tick, and a sum of n doubles to n roundings.
TEST(Trace, LanesAddUpToTheAttribution) {
  for (const char* scenario : {"scenarios/bsp.json", "scenarios/first_run.json", "scenarios/ssp.json",
                               "scenarios/local_sgd.json", "scenarios/failures.json", "scenarios/gpu_cluster.json"}) {
    const Traced run = traced(scenario, with(short_run, {"output.trace.detail=lanes"}));
    const Json trace = run.json();
    for (const WorkerResult& worker : run.results.workers) {
      std::map<std::string, double> sums = seconds_of(trace, worker.worker);
      const auto figure = [&](Activity activity) { return worker.seconds[std::size_t(activity)]; };
      const double exact = 1e-9 * run.results.simulated_time_s;
      EXPECT_NEAR(sums["compute"], figure(Activity::compute), exact) << scenario << " worker " << worker.worker;
      EXPECT_NEAR(sums["blocked wait"], figure(Activity::wait), exact) << scenario << " worker " << worker.worker;
      EXPECT_NEAR(sums["blocked communication"], figure(Activity::communication), exact) << scenario;
      EXPECT_NEAR(sums["blocked queue"], figure(Activity::queue), exact) << scenario;
      EXPECT_NEAR(sums["blocked down"], figure(Activity::down), exact) << scenario;
    }
  }
}

// 10 ms forward, 20 ms backward in two halves; from 5 ms on twice as slow: forward ends at 5 + 2 x 5 = 15 ms.
TEST(Trace, ForwardEndsWhereTheSpeedSaysIt) {
  const Traced run = traced(R"({"numerics": false, "cluster": {"workers": 2, "topology": {"kind": "ideal"},
    "stragglers": [{"kind": "replay", "events": [{"time": "5ms", "worker": 0, "factor": 2, "duration": "10s"}]}]},
    "workload": {"model": {"kind": "softmax_regression"}, "dataset": {"kind": "blobs"}, "batch_size": 4,
      "cost": {"kind": "fixed", "forward": "10ms", "backward": "20ms", "update": "0s"}},
    "training": {"strategy": {"kind": "async"}, "optimizer": {"kind": "sgd", "learning_rate": 0.1},
      "stop": {"time": "200ms"}}})",
                            {});
  const Json trace = run.json();
  double end = 0, all = 0;
  for (const Json& event : trace.at("traceEvents"))
    if (event.at("pid") == 1 && event.value("cat", "") == "compute" && event.at("args").at("step") == 0) {
      all += event.at("dur").get<double>();
      if (event.at("name") == "forward") end = event.at("ts").get<double>() + event.at("dur").get<double>();
    }
  constexpr double tick = 1e-6;  // a slice ends one before the next begins
  EXPECT_DOUBLE_EQ(end, 15000 - tick);
  EXPECT_DOUBLE_EQ(all, 55000 - 2 * tick);
}

TEST(Trace, WindowsAndFilters) {
  const char* const scenario = "scenarios/bsp.json";
  EXPECT_EQ(names_of(traced(scenario, with(short_run, {"output.trace.steps=1:3"})).json(), "steps"),
            (std::set<std::string>{"step 1", "step 2"}));
  const Json few = traced(scenario, with(short_run, {"output.trace.workers=\"2,5\""})).json();
  std::set<int> workers;
  for (const Json& event : few.at("traceEvents"))
    if (event.value("cat", "") == "compute") workers.insert(event.at("pid").get<int>() - 1);
  EXPECT_EQ(workers, (std::set<int>{2, 5}));
  for (const char* each : {scenario, "scenarios/async.json"}) {  // who is not shown leaves no messages without an end
    const Traced run = traced(each, with(short_run, {"output.trace.workers=\"0-1\""}));
    EXPECT_THAT(broken_rules(run.json(), run.results.simulated_time_s * 1e6), IsEmpty()) << each;
  }
  const Json lanes = traced(scenario, with(short_run, {R"(output.trace.lanes=["compute"])"})).json();
  for (const Json& event : lanes.at("traceEvents"))
    EXPECT_TRUE(event.at("ph") == "M" || event.at("ph") == "i" || event.value("cat", "") == "compute");
  const Json late = traced(scenario, with(short_run, {"output.trace.time=20ms:40ms"})).json();
  for (const Json& event : late.at("traceEvents"))
    if (event.at("ph") == "X" && event.at("cat") != "message") {  // of a message the ends may lie outside
      EXPECT_LT(event.at("ts").get<double>(), 40000);
      EXPECT_GT(event.at("ts").get<double>() + event.at("dur").get<double>(), 20000);
    }
  EXPECT_THAT(names_of(traced(scenario, with(short_run, {"output.trace.detail=steps"})).json(), "compute"), IsEmpty());
}

TEST(Trace, EndsWhereItHasAsManyEventsAsItMay) {
  const Json trace = traced("scenarios/bsp.json", with(short_run, {"output.trace.most_events=500"})).json();
  int told = 0;
  for (const Json& event : trace.at("traceEvents"))
    told += event.at("ph") == "i" && event.at("name").get<std::string>().starts_with("the trace ends here");
  EXPECT_EQ(told, 1);
  EXPECT_LT(trace.at("traceEvents").size(), 800u);
}

TEST(Trace, ShowsFailuresStragglersAndLostGradients) {
  std::set<std::string> moments;
  for (const char* scenario :
       {"scenarios/failures.json", "scenarios/recipes/backup_workers.json", "scenarios/ssp.json"}) {
    const Json trace = traced(scenario, {"numerics=false", "output.steps=false", "training.stop={\"steps\": 200}",
                                         "output.trace.detail=steps"})
                           .json();
    for (const Json& event : trace.at("traceEvents"))
      if (event.at("ph") == "i") moments.insert(event.at("name"));
  }
  EXPECT_TRUE(moments.contains("failure"));
  EXPECT_TRUE(moments.contains("repair"));
  EXPECT_TRUE(moments.contains("slowdown"));
  EXPECT_TRUE(moments.contains("dropped gradient"));
}

TEST(GrowingFile, CanBeReadAtAnyTime) {
  const std::string path = scratch_folder() + "/growing.gz";
  GrowingFile file(path, "\n]");
  file.append("[-1");
  EXPECT_EQ(Json::parse(gunzip(path)).size(), 1u);  // from the first item on
  std::string item = ",\n0";
  for (std::int64_t i = 0; i < 300'000; ++i) {
    file.append(item);
    item = fmt::format(",\n{}", i * 7919 % 1'000'003);
    if (i % 90'000 != 89'999) continue;
    const Json so_far = Json::parse(gunzip(path));  // as if the program had been killed here
    EXPECT_GT(so_far.size(), 10'000u);
  }
  file.close();
  EXPECT_EQ(Json::parse(gunzip(path)).size(), 300'001u);
}

TEST(GrowingFile, IsPlainTextWhereItsNameIs) {
  const std::string path = scratch_folder() + "/growing.json";
  GrowingFile file(path, "\n]");
  file.append("[1");
  for (int i = 0; i < 100'000; ++i) file.append(",\n222");
  EXPECT_GT(Json::parse(read_text(path)).size(), 10'000u);
  file.close();
  EXPECT_EQ(Json::parse(read_text(path)).size(), 100'001u);
}

TEST(Trace, IsWholeWhenTheRunIsKilled) {
  const std::string folder = scratch_folder() + "/run", file = folder + "/trace.json.gz";
  const Finished killed = paceline(
      {"run", path_of("scenarios/bsp.json"), "--timing-only", "--set", "training.stop={\"steps\": 100000000}", "--set",
       "output.trace.steps=0:90000000", "--out", folder},
      {.interrupt_when = [&] { return std::filesystem::exists(file) && std::filesystem::file_size(file) > 200'000; },
       .signal = SIGKILL});
  EXPECT_EQ(killed.code, 128 + SIGKILL);
  EXPECT_GT(Json::parse(gunzip(file)).at("traceEvents").size(), 1000u);
}

TEST(TraceVerb, WritesTheTraceOfARunAfterwards) {
  const std::string folder = scratch_folder() + "/run", file = scratch_folder() + "/after.json.gz";
  ASSERT_EQ(paceline({"run", path_of("scenarios/first_run.json"), "--timing-only", "--trace-steps", "2:5", "--out",
                      folder, "--set", "training.stop.steps=10"})
                .code,
            0);
  ASSERT_EQ(paceline({"trace", folder, "--steps", "2:5", "-o", file}).code, 0);
  EXPECT_EQ(gunzip(file), gunzip(folder + "/trace.json.gz"));
  const Finished empty = paceline({"trace", folder, "--steps", "1000:1001", "-o", file});
  EXPECT_NE(empty.err.find("note: nothing of the run is in the window of the trace"), std::string::npos) << empty.err;
  const Finished cut = paceline({"trace", folder, "--set", "output.trace={\"most_events\": 50}", "-o", file});
  EXPECT_NE(cut.err.find("note: the trace ends at "), std::string::npos) << cut.err;
  const Finished wrong = paceline({"trace", folder, "--steps", "5:2", "-o", file});
  EXPECT_EQ(wrong.code, 3);
  EXPECT_NE(wrong.err.find("/output/trace/steps: is an empty window"), std::string::npos) << wrong.err;
  EXPECT_EQ(paceline({"trace", scratch_folder(), "-o", file}).code, 2);
}

TEST(Trace, OfAScenarioKeepsItsOwnWindow) {
  const std::string folder = scratch_folder() + "/run";
  ASSERT_EQ(paceline({"run", path_of("scenarios/bsp.json"), "--timing-only", "--trace", "--out", folder, "--set",
                      "training.stop={\"steps\": 5}", "--set", "output.trace={\"steps\": \"1:2\"}"})
                .code,
            0);
  EXPECT_EQ(names_of(Json::parse(gunzip(folder + "/trace.json.gz")), "steps"), (std::set<std::string>{"step 1"}));
}

// As Holistic Trace Analysis reckons: kernels are computation, or communication where their names say nccl; time on the
// GPU is the union of all, what of it is not computation is exposed communication.
struct Breakdown {
  double compute = 0, busy = 0;
};
Breakdown break_down(const Json& trace) {
  using Interval = std::pair<double, double>;
  const auto length = [](std::vector<Interval> all) {
    std::sort(all.begin(), all.end());
    double sum = 0, reached = -1;
    for (const auto& [from, until] : all) {
      sum += std::max(0.0, until - std::max(from, reached));
      reached = std::max(reached, until);
    }
    return sum * 1e-6;
  };
  std::vector<Interval> compute, communication, all;
  for (const Json& event : trace.at("traceEvents")) {
    if (event.value("cat", "") != "kernel") continue;
    EXPECT_TRUE(event.at("args").at("stream").is_number() && event.at("args").at("correlation").is_number());
    const double from = event.at("ts"), until = from + event.at("dur").get<double>();
    all.push_back({from, until});
    const bool nccl = event.at("name").get<std::string>().find("ncclKernel") != std::string::npos;
    (nccl ? communication : compute).push_back({from, until});
  }
  double kernels = 0;  // on one stream, one after the other: none is told twice
  for (const auto& [from, until] : communication) kernels += (until - from) * 1e-6;
  EXPECT_NEAR(kernels, length(communication), 1e-9 * kernels);
  return {length(compute), length(all)};
}

TEST(HtaTrace, BreaksDownAsTheAttributionDoes) {
  for (const char* scenario :
       {"scenarios/bsp.json", "scenarios/first_run.json", "scenarios/local_sgd.json", "scenarios/gpu_cluster.json"}) {
    const Traced run = traced(scenario, with(short_run, {}), "hta");
    for (const WorkerResult& worker : run.results.workers) {
      const Json trace = Json::parse(gunzip(fmt::format("{}/rank_{}.json.gz", run.path, worker.worker)));
      EXPECT_EQ(trace.at("schemaVersion"), 1);
      EXPECT_EQ(trace.at("distributedInfo").at("rank"), worker.worker);
      EXPECT_EQ(trace.at("distributedInfo").at("world_size"), int(run.results.workers.size()));
      const Breakdown found = break_down(trace);
      const double bound = 1e-3 * run.results.simulated_time_s;  // what the issue allows
      EXPECT_NEAR(found.compute, worker.seconds[std::size_t(Activity::compute)], bound) << scenario;
      EXPECT_NEAR(found.busy - found.compute, worker.seconds[std::size_t(Activity::communication)], bound) << scenario;
      std::set<std::string> steps;
      for (const Json& event : trace.at("traceEvents"))
        if (event.at("cat") == "user_annotation") steps.insert(event.at("name"));
      EXPECT_TRUE(steps.contains("ProfilerStep#0")) << scenario;
      EXPECT_EQ(std::int64_t(steps.size()), worker.steps + (steps.size() > std::size_t(worker.steps))) << scenario;
    }
  }
}

TEST(PerfettoTrace, HoldsTheSameSlices) {
  const std::vector<std::string> keys = with(short_run, {"output.trace.steps=0:3"});
  const Json chrome = traced("scenarios/bsp.json", keys).json();
  std::multiset<std::string> expected, found;
  for (const Json& event : chrome.at("traceEvents"))
    if (event.at("ph") == "X" && event.at("cat") != "message")
      expected.insert(fmt::format("{} {} {}", event.at("name").get<std::string>(),
                                  std::llround(std::floor(event.at("ts").get<double>() * 1e3 + 1e-6)),
                                  event.at("tid").dump()));
  const std::string bytes = gunzip(traced("scenarios/bsp.json", keys, "perfetto").path);
  std::map<std::uint64_t, std::string> names, categories;
  std::map<std::uint64_t, int> open;  // by track
  std::set<std::uint64_t> described;
  for (const Field& packet : fields_of(bytes)) {
    ASSERT_EQ(packet.number, 1u);
    std::uint64_t time = 0;
    for (const Field& part : fields_of(packet.text)) {
      if (part.number == 8) time = part.value;
      if (part.number == 60) described.insert(fields_of(part.text).at(0).value);
      if (part.number == 12)
        for (const Field& entry : fields_of(part.text)) {
          const auto pair = fields_of(entry.text);
          (entry.number == 2 ? names : categories)[pair.at(0).value] = pair.at(1).text;
        }
      if (part.number != 11) continue;
      std::map<unsigned, std::uint64_t> event;
      for (const Field& field : fields_of(part.text)) event[field.number] = field.value;
      EXPECT_TRUE(described.contains(event[11]));
      if (event[9] == 2) --open[event[11]];
      if (event[9] != 1) continue;
      ++open[event[11]];
      EXPECT_TRUE(names.contains(event[10]));
      if (categories.at(event[3]) != "message")
        found.insert(fmt::format("{} {} {}", names[event[10]], time, event[11] - (std::uint64_t{1} << 40)));
    }
  }
  for (const auto& [track, count] : open) EXPECT_EQ(count, 0);
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace paceline::test
