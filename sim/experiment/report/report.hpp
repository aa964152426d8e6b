// What the report page shows, as one compact JSON document: run folders reduced so that a run of any size gives a page
// of a few megabytes. Figures of results.json are taken over as they are; sums over rows and workers are rounded to six
// digits. tools/report draws it, src/data.ts names every key.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paceline::report {

using Json = nlohmann::ordered_json;

struct Options {
  std::pair<int, int> steps{0, 0};  // of the timeline, the second not included; both 0: as many as there is room for
};

// `paths`: run folders, sweep folders, stores. Throws ConfigError where one is none.
Json document_of(const std::vector<std::string>& paths, const Options& options);

// One run folder: its results, and what its rows amount to.
Json read_run(const std::string& folder, const Options& options);

// All finished runs of folders and sweeps, as compare reads them: what tells each apart, its figures, its accuracy.
// `notes`: what was left out, and why.
Json samples_of(const std::vector<std::string>& paths, Json& notes);
// t with P(T ≤ t) = 0.975, for 1, 2, … degrees of freedom (Student): the page makes intervals over seeds with it.
Json student_quantiles(std::size_t most);

// Throws ConfigError.
Json read_results(const std::string& folder);
std::string label_of(const std::string& folder);
// Columns of a list of objects; those of numbers are means of `group` neighbours.
Json columns(const Json& rows, const std::vector<std::string>& names, std::size_t group = 1);
// At most so many rows of a list: every k-th, and the last one.
Json thinned(const Json& rows, std::size_t most);

// The page: `page` with the document in place of its mark, as JSON text in which no tag can begin.
std::string fill_page(std::string_view page, const Json& document);

// To six digits: what was summed up here needs no more.
double rounded(double value);

}  // namespace paceline::report
