// paceline import-profile TRACE -o PROFILE: a trace of PyTorch's profiler as a profile for the cost `profile`.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "sim/core/units.hpp"
#include "sim/experiment/csv.hpp"
#include "sim/experiment/import/kineto.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

struct Words {
  std::string trace, out, name;
  std::int64_t batch = 0;
  bool json = false, quiet = false;
};

Json json_of(const KinetoImport& made) {
  Json steps = Json::array(), streams = Json::array(), buckets = Json::array();
  for (const KinetoStep& step : made.steps)
    steps.push_back({{"name", step.name},
                     {"duration_us", step.duration},
                     {"kernels", step.kernels},
                     {"compute_us", step.compute},
                     {"all_reduces", step.buckets.size()},
                     {"other_collectives", step.other_collectives},
                     {"used", step.used}});
  for (const KinetoStream& stream : made.streams)
    streams.push_back({{"device", stream.device},
                       {"stream", stream.stream},
                       {"kernels", stream.kernels},
                       {"collectives", stream.collectives},
                       {"time_us", stream.time}});
  for (const KinetoBucket& bucket : made.mean.buckets)
    buckets.push_back({{"elements", bucket.elements}, {"bytes", bucket.bytes}, {"backward_us", bucket.backward}});
  return {{"device", made.device},
          {"rank", made.rank},
          {"ranks", made.ranks},
          {"kernels", made.kernels},
          {"steps", steps},
          {"streams", streams},
          {"compute_stream", made.compute_stream},
          {"overlap_us", made.overlap},
          {"forward_us", made.mean.forward},
          {"buckets", buckets},
          {"rest_us", made.mean.rest},
          {"update_us", made.mean.update},
          {"notes", made.notes}};
}

void print_tables(const KinetoImport& made) {
  const auto ms = [](double us) { return us / 1e3; };
  fmt::print("{:<18}{:>12}{:>9}{:>12}\n", "step", "window ms", "kernels", "compute ms");
  for (const KinetoStep& step : made.steps)
    fmt::print("{:<18}{:>12.3f}{:>9}{:>12.3f}\n", step.name, ms(step.duration), step.kernels, ms(step.compute));
  fmt::print("\n{:<18}{:>12}{:>9}{:>12}\n", "stream", "time ms", "kernels", "collectives");
  for (const KinetoStream& stream : made.streams)
    fmt::print("{:<18}{:>12.3f}{:>9}{:>12}\n", stream.stream, ms(stream.time), stream.kernels, stream.collectives);
  double bytes = 0, ready = 0;
  fmt::print("\n{:<18}{:>12}{:>21}\n{:<18}{:>12.3f}\n", "mean of a step", "time ms", "all-reduced bytes", "forward",
             ms(made.mean.forward));
  for (std::size_t i = 0; i < made.mean.buckets.size(); ++i) {
    const KinetoBucket& bucket = made.mean.buckets[i];
    bytes += bucket.bytes;
    ready += bucket.backward;
    fmt::print("{:<18}{:>12.3f}{:>21.0f}\n", fmt::format("backward, bucket {}", i + 1), ms(bucket.backward),
               bucket.bytes);
  }
  if (made.mean.rest > 0) fmt::print("{:<18}{:>12.3f}\n", "backward, rest", ms(made.mean.rest));
  fmt::print("{:<18}{:>12.3f}\n{:<18}{:>12.3f}{:>21.0f}\n", "update", ms(made.mean.update), "all",
             ms(made.mean.forward + ready + made.mean.rest + made.mean.update), bytes);
}

int import_profile(const Words& words) {
  const KinetoImport made = import_kineto(words.trace);
  const std::string file = std::filesystem::path(words.trace).filename().string();
  const std::string name = words.name.empty() ? file.substr(0, file.find('.', 1)) : words.name;
  make_folder_of(words.out);
  write_file(words.out, profile_text(made, name, words.batch ? std::optional(words.batch) : std::nullopt));
  for (const std::string& note : made.notes)
    if (!words.quiet) fmt::print(stderr, "note: {}\n", note);
  if (words.json) fmt::print("{}\n", json_of(made).dump(2));
  else if (!words.quiet) print_tables(made);
  return done;
}

}  // namespace

Action import_profile_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("TRACE", words->trace, "of PyTorch's profiler (Kineto): .json or .json.gz, of one rank")->required();
  app.add_option("-o,--out", words->out, "the profile")->required();
  app.add_option("--name", words->name, "of the profile; by default the trace's file name");
  app.add_option("--batch", words->batch, "samples in a step of the trace: times are then per sample, else per step")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  app.add_flag("--json", words->json, "prints one JSON document");
  app.add_flag("--quiet", words->quiet, "prints nothing but errors");
  return [words] { return import_profile(*words); };
}

}  // namespace paceline
