// paceline report RUN|SWEEP… -o FILE.html: one page that shows runs, with all that it needs in it.
#include <fmt/format.h>

#include "sim/experiment/csv.hpp"
#include "sim/experiment/report/report.hpp"
#include "tools/paceline/report_page.hpp"
#include "tools/paceline/verbs.hpp"

namespace paceline {
namespace {

struct Words {
  std::vector<std::string> runs;
  std::string out, steps;
  bool json = false;
};

std::pair<int, int> steps_of(const std::string& text) {
  int first = 0, last = 0, read = 0;
  if (text.empty()) return {0, 0};
  if (std::sscanf(text.c_str(), "%d:%d%n", &first, &last, &read) == 2 && std::size_t(read) == text.size() &&
      first >= 0 && last > first)
    return {first, last};
  throw UsageError(fmt::format("--steps {}: must be FIRST:LAST, as 100:120, the last not included", text));
}

int write_report(const Words& words) {
  if (words.out.empty() != words.json) throw UsageError("report needs -o FILE.html, or --json");
  if (!words.json && report_page().empty())
    throw std::runtime_error(
        "this paceline was built without the report page: it needs npm at build time (Debian: nodejs, npm); "
        "tools/setup installs it and builds again; report --json gives the figures");
  const report::Json document = report::document_of(words.runs, {.steps = steps_of(words.steps)});
  if (words.json) fmt::print("{}\n", document.dump(2, ' ', false, report::Json::error_handler_t::replace));
  else write_file(words.out, report::fill_page(report_page(), document));
  return done;
}

}  // namespace

Action report_verb(CLI::App& app) {
  auto words = std::make_shared<Words>();
  app.add_option("RUN|SWEEP", words->runs, "folders of runs and sweeps, sweep.sqlite files")->required();
  app.add_option("-o", words->out, "the HTML file");
  app.add_option("--steps", words->steps, "FIRST:LAST: the timeline shows these steps; by default the first ones");
  app.add_flag("--json", words->json, "prints the figures of the page as one JSON document");
  return [words] { return write_report(*words); };
}

}  // namespace paceline
