// Traces of PyTorch's profiler as profiles: a real one, against its published facts, against the shapes of ResNet-50
// and as a run; its dialects and what cannot be read, by small traces whose figures are known by hand.
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "sim/cluster/catalogue.hpp"
#include "sim/experiment/import/kineto.hpp"
#include "sim/experiment/memory.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;

const std::string real = path_of("tests/data/imports/resnet50_ddp_2xA100_rank0.json.gz");
const std::string clock_alone = "tests/data/scenarios/timing.json";
// Microseconds are written with three decimals; a time near 4.5e12 us has an ulp of 2^-10.
constexpr double rounding = 0.5e-3 + 0x1p-10;

const KinetoImport& imported() {
  static const KinetoImport made = import_kineto(real);
  return made;
}

std::string profile_of(const KinetoImport& made, std::optional<std::int64_t> batch = {}) {
  const std::string path = scratch_folder() + "/profile.json";
  write_text(path, profile_text(made, "imported", batch));
  return path;
}

std::vector<std::string> running(const std::string& profile) {
  return {R"(workload.cost={"kind": "profile", "profile": ")" + profile + "\"}"};
}

TEST(ImportProfile, OfARealTraceHasItsStepsAndStreams) {
  const KinetoImport& made = imported();
  EXPECT_EQ(made.device, "NVIDIA A100-PG509-200");
  EXPECT_EQ(made.rank, 0);
  EXPECT_EQ(made.ranks, 2);
  EXPECT_EQ(made.kernels, 2700);
  ASSERT_EQ(made.steps.size(), 3u);
  const std::vector<double> windows{222442.191, 219726.905, 224936.243}, computed{38506.406, 38429.422, 38720.019};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(made.steps[i].name, "ProfilerStep#" + std::to_string(i + 4));
    EXPECT_NEAR(made.steps[i].duration, windows[i], rounding);
    EXPECT_EQ(made.steps[i].kernels, 900);
    EXPECT_NEAR(made.steps[i].compute, computed[i], rounding);
    EXPECT_EQ(made.steps[i].buckets.size(), 5u);
    EXPECT_EQ(made.steps[i].other_collectives, 2);  // broadcasts of buffers
    EXPECT_TRUE(made.steps[i].used);
  }
  ASSERT_EQ(made.streams.size(), 2u);
  EXPECT_EQ(made.compute_stream, 7);
  EXPECT_EQ(made.streams[0].stream, 7);
  EXPECT_EQ(made.streams[0].kernels, 2679);
  EXPECT_EQ(made.streams[0].collectives, 0);
  EXPECT_NEAR(made.streams[0].time, 115655.847, rounding);
  EXPECT_EQ(made.streams[1].stream, 40);
  EXPECT_EQ(made.streams[1].kernels, 21);
  EXPECT_EQ(made.streams[1].collectives, 21);
  EXPECT_NEAR(made.streams[1].time, 46876.493, rounding);
  EXPECT_NEAR(made.overlap, 7317.026, 21 * 2 * rounding);  // both ends of each collective
  EXPECT_EQ(made.notes, std::vector<std::string>{});
}

TEST(ImportProfile, OfARealTraceHasItsAllReducesAndAllOfItsComputeTime) {
  const KinetoStep& mean = imported().mean;
  std::vector<std::int64_t> elements;
  double bytes = 0, time = mean.forward + mean.rest + mean.update;
  for (const KinetoBucket& bucket : mean.buckets) {
    elements.push_back(bucket.elements);
    bytes += bucket.bytes;
    time += bucket.backward;
  }
  EXPECT_EQ(elements, (std::vector<std::int64_t>{2049000, 7875584, 6563840, 6637568, 2431040}));
  EXPECT_EQ(bytes, 102228128);
  EXPECT_NEAR(time, 115655.847 / 3, rounding);
}

// DistributedDataParallel fills buckets with whole tensors from the last layer on: each must end where a layer of
// ResNet-50 ends, as known from its shapes.
TEST(ImportProfile, OfARealTraceHasBucketsThatEndWhereLayersOfItsNetworkEnd) {
  const Profile network = read_profile(parse_document(catalogues::profiles().find_entry("resnet50")->text, "resnet50"));
  std::vector<double> ends;
  double sum = 0;
  for (auto layer = network.layers.rbegin(); layer != network.layers.rend(); ++layer)
    ends.push_back(sum += layer->parameters);
  double elements = 0;
  for (const KinetoBucket& bucket : imported().mean.buckets) {
    elements += double(bucket.elements);
    EXPECT_NE(std::find(ends.begin(), ends.end(), elements), ends.end()) << elements;
  }
  EXPECT_EQ(elements, ends.back());
}

TEST(ImportProfile, RunsForAsLongAsTheTraceComputed) {
  auto assignments = running(profile_of(imported()));
  const Spec spec = parse(clock_alone, assignments);
  const auto cost = make_cost(spec, *spec.model.make(spec.dataset.shape()), spec.batch_sizes);
  EXPECT_EQ(cost->gradient_bytes(), 102228128);
  EXPECT_EQ(cost->tensor_bytes(), (std::vector<double>{8196000, 31502336, 26255360, 26550272, 9724160}));
  const KinetoStep& mean = imported().mean;
  double backward = mean.rest, until = 0, bytes = 0;
  for (const KinetoBucket& bucket : mean.buckets) backward += bucket.backward;
  for (const KinetoBucket& bucket : mean.buckets) {
    bytes += bucket.bytes;
    until += bucket.backward;
    EXPECT_NEAR(cost->ready(0, bytes), until / backward, 1e-9);
  }
  assignments.push_back("training.stop.steps=3");
  const Results results = run(clock_alone, assignments).results;
  EXPECT_NEAR(results.workers.at(0).seconds[0], 115655.847e-6, 3e-6 * rounding);
  // Whatever the batch size, where it is not known; else in proportion.
  EXPECT_EQ(cost->step(0, 0, 1).forward, cost->step(0, 0, 7).forward);
  const Spec sized = parse(clock_alone, running(profile_of(imported(), 32)));
  const auto per_sample = make_cost(sized, *sized.model.make(sized.dataset.shape()), sized.batch_sizes);
  EXPECT_NEAR(per_sample->step(0, 0, 64).forward, 2 * mean.forward * 1e-6, 64 * 1e-12);
  EXPECT_NEAR(per_sample->step(0, 0, 64).update, mean.update * 1e-6, 1e-12);
}

// Two steps of 100 us. In each a forward of 5 us, a backward of 7 us to the first all-reduce (6 floats), 8 us to the
// second (4 floats), 2 us after that, an update of 3 us; the first all-reduce runs along with the backward for 3 us.
struct Dialect {
  double origin = 0;             // of the clock
  bool capitals = false;         // 2021's categories and names of arguments
  bool steps_on_device = false;  // ProfilerStep as annotations of the GPU, too
  bool steps = true;
  bool launches = true;          // of the forward and the update
  bool generic = false;          // ncclDevKernel_Generic
  std::string sizes = "kernel";  // who says them: kernel, operator, nobody
  bool old_backward = false;     // before autograd::engine had events
  bool collectives = true;
};

Json events_of(const Dialect& dialect) {
  Json events = Json::array();
  int id = 0;
  const auto time = [&](double value) {
    const double at = dialect.origin + value;
    return at == std::floor(at) ? Json(std::int64_t(at)) : Json(at);
  };
  const auto add = [&](const char* category, const std::string& name, int thread, double start, double duration,
                       Json arguments = Json::object()) {
    std::string shown = category;
    if (dialect.capitals) shown = shown == "kernel" ? "Kernel" : shown == "cuda_runtime" ? "Runtime" : "Operator";
    events.push_back({{"ph", "X"},
                      {"cat", shown},
                      {"name", name},
                      {"pid", 1},
                      {"tid", thread},
                      {"ts", time(start)},
                      {"dur", duration},
                      {"args", std::move(arguments)}});
  };
  const auto kernel = [&](const std::string& name, int stream, double launch, double start, double duration,
                          bool launch_known = true, Json more = Json::object()) {
    ++id;
    if (launch_known) add("cuda_runtime", "cudaLaunchKernel", 1, launch, 1, {{"correlation", id}});
    more.update({{"device", 0}, {"stream", stream}, {"correlation", id}});
    more[dialect.capitals ? "external id" : "External id"] = 100 + id;
    add("kernel", name, stream, start, duration, more);
    return 100 + id;
  };
  for (int step = 0; step < 2; ++step) {
    const double at = 100 * step;
    const std::string name = "ProfilerStep#" + std::to_string(step);
    if (dialect.steps) add("user_annotation", name, 1, at, 100);
    if (dialect.steps_on_device) {
      add("user_annotation", name, 7, at + 12, 50);
      if (!dialect.capitals) events.back()["cat"] = "gpu_user_annotation";
    }
    kernel("gemm", 7, at + 10, at + 12, 5, dialect.launches);
    add("cpu_op", dialect.old_backward ? "AddmmBackward0" : "autograd::engine::evaluate_function: AddmmBackward0", 1,
        at + 20, 40);
    kernel("gemm", 7, at + 25, at + 26, 7);
    for (int bucket = 0; bucket < (dialect.collectives ? 2 : 0); ++bucket) {
      const int elements = bucket ? 4 : 6;
      Json told = Json::object();
      if (dialect.sizes == "kernel")
        told = {{"Collective name", "allreduce"}, {"In msg nelems", elements}, {"dtype", "Float"}};
      const double launch = bucket ? at + 50 : at + 30;
      const int external = kernel(dialect.generic ? "ncclDevKernel_Generic(ncclDevComm*)"
                                                  : "ncclKernel_AllReduce_RING_LL_Sum_float(ncclWorkElem)",
                                  20, launch, bucket ? at + 52 : at + 34, 10, true, told);
      if (dialect.sizes == "operator")
        add("cpu_op", "nccl:all_reduce", 1, launch - 1, 3,
            {{dialect.capitals ? "external id" : "External id", external},
             {"Input Dims", {{elements / 2, 2}, Json::array()}},
             {"Input type", {"float", "Scalar"}}});
      if (!bucket) kernel("gemm", 7, at + 40, at + 41, 8);
    }
    kernel("copy", 7, at + 55, at + 64, 2);
    kernel("sgd", 7, at + 80, at + 81, 3, dialect.launches);
  }
  return events;
}

std::string written(const std::string& text, const std::string& name = "trace.json") {
  const std::string path = scratch_folder() + "/" + name;
  write_text(path, text);
  return path;
}

std::string written(const Dialect& dialect) {
  return written(Json{{"schemaVersion", 1}, {"traceEvents", events_of(dialect)}}.dump());
}

void expect_the_figures(const KinetoImport& made) {
  ASSERT_EQ(made.mean.buckets.size(), 2u);
  EXPECT_EQ(made.mean.buckets[0].bytes, 24);
  EXPECT_EQ(made.mean.buckets[1].bytes, 16);
  EXPECT_DOUBLE_EQ(made.mean.forward, 5);
  EXPECT_DOUBLE_EQ(made.mean.buckets[0].backward, 7);
  EXPECT_DOUBLE_EQ(made.mean.buckets[1].backward, 8);
  EXPECT_DOUBLE_EQ(made.mean.rest, 2);
  EXPECT_DOUBLE_EQ(made.mean.update, 3);
  EXPECT_NEAR(made.overlap, 6, 2e-3);
}

TEST(ImportProfile, ReadsEveryDialectToTheSameFigures) {
  std::vector<Dialect> dialects(9);
  dialects[1].origin = 4458676522690.25;
  dialects[2].capitals = true;
  dialects[3].capitals = dialects[3].old_backward = true;
  dialects[3].sizes = "operator";
  dialects[4].steps_on_device = true;
  dialects[5].launches = false;
  dialects[6].generic = true;
  dialects[7].generic = true;
  dialects[7].sizes = "operator";
  dialects[8].sizes = "operator";
  for (std::size_t i = 0; i < dialects.size(); ++i) {
    SCOPED_TRACE(i);
    const KinetoImport made = import_kineto(written(dialects[i]));
    ASSERT_EQ(made.steps.size(), 2u);
    if (i != 5) {
      expect_the_figures(made);
      EXPECT_EQ(made.notes.size(), 0u);
    }
  }
  expect_the_figures(import_kineto(written(events_of({}).dump())));  // a bare list
  const std::string path = scratch_folder() + "/trace.json.gz", text = Json{{"traceEvents", events_of({})}}.dump();
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), unsigned(text.size()));
  gzclose(file);
  expect_the_figures(import_kineto(path));
}

// The first forward has none before it on its stream, so that it counts as launched with the backward's first kernel;
// the update counts as launched with the last one, and the second forward with the first update. All are found again
// in the sum.
TEST(ImportProfile, PutsKernelsWithoutALaunchBesideTheirNeighboursOnTheStream) {
  Dialect dialect;
  dialect.launches = false;
  const KinetoImport made = import_kineto(written(dialect));
  ASSERT_EQ(made.notes.size(), 1u);
  EXPECT_EQ(made.notes[0],
            "4 of 14 kernels have no launch: each counts as launched with the one before it on its stream");
  double all = 0;
  for (const KinetoStep& step : made.steps) all += step.compute;
  EXPECT_DOUBLE_EQ(all, 2 * (5 + 7 + 8 + 2 + 3));
}

TEST(ImportProfile, WithoutStepsTakesTheTraceAsOne) {
  Dialect dialect;
  dialect.steps = false;
  const KinetoImport made = import_kineto(written(dialect));
  ASSERT_EQ(made.steps.size(), 1u);
  EXPECT_EQ(made.mean.buckets.size(), 4u);
  EXPECT_DOUBLE_EQ(made.mean.compute, 50);
  EXPECT_EQ(made.notes.size(), 1u);
}

TEST(ImportProfile, LeavesOutStepsWhoseAllReducesDiffer) {
  Json events = events_of({});
  Json third = events_of({.origin = 200});
  for (Json& event : third) {
    if (event["args"].contains("correlation"))
      event["args"]["correlation"] = event["args"]["correlation"].get<int>() + 50;
    if (event["name"] == "ProfilerStep#0") event["name"] = "ProfilerStep#2";
    if (event["args"].contains("In msg nelems")) event["args"]["In msg nelems"] = 99;
    const double end = event["ts"].get<double>();
    if (end < 300) events.push_back(event);
  }
  const KinetoImport made = import_kineto(written(events.dump()));
  ASSERT_EQ(made.steps.size(), 3u);
  EXPECT_FALSE(made.steps[2].used);
  expect_the_figures([&] {
    KinetoImport without = made;
    without.overlap -= 3;  // of the third step
    return without;
  }());
  EXPECT_EQ(made.notes,
            (std::vector<std::string>{"ProfilerStep#2 is left out: its all-reduces differ from those of most steps"}));
}

std::string complaint(const std::string& path) {
  try {
    import_kineto(path);
  } catch (const ConfigError& error) {
    const std::string what = error.what();
    EXPECT_TRUE(what.starts_with(path + ": ")) << what;
    return what.substr(path.size() + 2);
  }
  return "";
}

TEST(ImportProfile, SaysWhatItCannotRead) {
  EXPECT_EQ(complaint("none.json"), "no such file");
  EXPECT_EQ(complaint(written("{\"traceEvents\": [")), "is no JSON: at byte 18");
  EXPECT_EQ(complaint(written("{\"traceEvents\": [1e999]}")), "holds a number that is too large");
  EXPECT_EQ(complaint(written("{\"a\": 1}")), "has no list \"traceEvents\": not a trace of PyTorch's profiler");
  EXPECT_EQ(complaint(written("3")), "has no list \"traceEvents\": not a trace of PyTorch's profiler");
  EXPECT_EQ(complaint(written("[]")),
            "has no GPU kernels (events of category \"kernel\"): record with ProfilerActivity.CUDA");
  Json events = events_of({});
  events[0]["ts"] = "soon";
  EXPECT_NE(complaint(written(events.dump())).find("event 0 (\"ProfilerStep#0\"): \"ts\" and \"dur\" must be numbers"),
            std::string::npos);
  Json kernels = Json::array();
  for (const Json& event : events_of({}))
    if (event["cat"] == "kernel") kernels.push_back(event);
  EXPECT_EQ(complaint(written(kernels.dump())),
            "has no operators of a backward (autograd::engine::evaluate_function): record with ProfilerActivity.CPU");
  for (const Json& event : events_of({}))
    if (event["cat"] == "cpu_op") kernels.push_back(event);
  EXPECT_EQ(complaint(written(kernels.dump())),
            "tells of no kernel when it was launched: record with ProfilerActivity.CPU");
  EXPECT_NE(complaint(written(Dialect{.collectives = false})).find("has no all-reduce (an nccl kernel) in any step"),
            std::string::npos);
  EXPECT_NE(complaint(written(Dialect{.sizes = "nobody"}))
                .find("does not say how large the all-reduce \"ncclKernel_AllReduce_RING_LL_Sum_float\" is"),
            std::string::npos);
  Json empty = events_of({});
  for (Json& event : empty)
    if (event["args"].contains("In msg nelems")) event["args"]["In msg nelems"] = 0;
  EXPECT_EQ(complaint(written(empty.dump())), "has no all-reduce of any element in its steps");
  std::string cut = read_text(real);
  cut.resize(cut.size() / 2);
  EXPECT_EQ(complaint(written(cut, "cut.json.gz")), "is cut off or damaged (gzip)");
}

TEST(ImportProfile, IsAVerbThatWritesAProfileAndTellsOfTheTrace) {
  const std::string folder = scratch_folder();
  const Finished made =
      paceline({"import-profile", real, "-o", "a100.json", "--name", "mine", "--json"}, {.folder = folder});
  EXPECT_EQ(made.code, 0) << made.err;
  const Json said = Json::parse(made.out);
  EXPECT_EQ(said["kernels"], 2700);
  EXPECT_EQ(said["buckets"].size(), 5u);
  const Profile profile = read_profile(read_document(folder + "/a100.json"));
  EXPECT_EQ(profile.name, "mine");
  EXPECT_EQ(profile.unit, "step");
  EXPECT_EQ(profile.layers.size(), 6u);
  const auto name_of = [&](const std::string& trace, const std::vector<std::string>& more) {
    std::filesystem::copy_file(real, folder + "/" + trace, std::filesystem::copy_options::overwrite_existing);
    std::vector<std::string> words{"import-profile", trace, "-o", "named.json", "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(paceline(words, {.folder = folder}).code, 0);
    return read_profile(read_document(folder + "/named.json")).name;
  };
  EXPECT_EQ(name_of("rank0.json.gz", {}), "rank0");
  EXPECT_EQ(name_of(".hidden.json.gz", {}), ".hidden");
  EXPECT_EQ(name_of("rank0.json.gz", {"--name", "resnet50-v1.5"}), "resnet50-v1.5");
  EXPECT_EQ(paceline({"import-profile", "none.json", "-o", "a.json"}, {.folder = folder}).code, 3);
  EXPECT_EQ(paceline({"import-profile", real}, {.folder = folder}).code, 2);
  EXPECT_EQ(paceline({"import-profile", real, "-o", "a.json", "--batch", "0"}, {.folder = folder}).code, 2);
}

TEST(Profiles, OfMeasuredTimesRejectWhatMeansNothing) {
  const std::string path = profile_of(imported());
  const auto error_of = [&](const std::string& profile, const std::string& more) {
    try {
      parse(clock_alone, {R"(workload.cost={"kind": "profile", "profile": ")" + profile + "\"" + more + "}"});
    } catch (const ConfigError& error) { return std::string(error.what()); }
    return std::string();
  };
  EXPECT_EQ(error_of(path, ""), "");
  EXPECT_NE(error_of(path, ", \"precision\": \"fp16\"").find("means nothing"), std::string::npos);
  EXPECT_NE(error_of(path, ", \"tokens\": 3").find("is per step"), std::string::npos);
  EXPECT_NE(error_of("resnet50", "").find("device"), std::string::npos);
  Json mixed = Json::parse(read_text(path));
  mixed["layers"][1] = {{"name", "x"}, {"parameters", 1}, {"forward_flops", 1}, {"activation_bytes", 1}};
  EXPECT_NE(error_of(written(mixed.dump()), "").find("/layers/1/activation_bytes: unknown key"), std::string::npos)
      << error_of(written(mixed.dump()), "");
}

}  // namespace
}  // namespace paceline::test
