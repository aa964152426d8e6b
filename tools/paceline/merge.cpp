// paceline merge STORE… -o FILE: stores of shards put together.
#include "sim/experiment/sweep/merge.hpp"

#include <fmt/format.h>

#include "sim/experiment/sweep/export.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

struct Words {
  std::vector<std::string> stores;
  std::string out;
  bool quiet = false;
};

int merge(const Words& words) {
  const Merged merged = merge_stores(words.stores, words.out);
  if (words.quiet) return done;
  fmt::print("{}: {} runs, {} done", words.out, merged.runs, merged.done);
  if (merged.failed) fmt::print(", {} failed", merged.failed);
  if (merged.waiting) fmt::print(", {} not done in any store", merged.waiting);
  if (merged.twice) fmt::print("; {} were done in several stores, to the same figures", merged.twice);
  fmt::print("\n");
  return done;
}

}  // namespace

Action merge_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("STORES", words->stores, "sweep.sqlite files, or folders that hold one")->required();
  app.add_option("-o,--out", words->out, "the new file")->required();
  app.add_flag("--quiet", words->quiet, "prints nothing but errors");
  return [words] { return merge(*words); };
}

}  // namespace paceline
