// Runs side by side: what each is one of, and what came of it.
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <filesystem>

#include "sim/experiment/compare/runs.hpp"
#include "sim/experiment/report/report.hpp"

namespace paceline::report {
namespace {

constexpr std::size_t most_curve_points = 200;

Json or_null(double value) { return std::isfinite(value) ? Json(value) : Json(); }

// A store goes by the name of its folder.
std::string in_folder(const std::string& place) {
  const std::filesystem::path path(place);
  return path.filename() == "sweep.sqlite" && path.has_parent_path() ? path.parent_path().string() : place;
}

// Of a run folder its curve; of a sweep's run the points where it was more accurate than ever before.
Json curve_of(const compare::Sample& sample) {
  if (std::filesystem::is_directory(sample.place))
    return columns(thinned(read_results(sample.place).at("curve"), most_curve_points),
                   {"time_s", "step", "bytes_on_wire", "test_accuracy"});
  Json rises = Json::array();
  for (const compare::Rise& rise : sample.rises)
    rises.push_back({{"time_s", rise.time_s}, {"bytes_on_wire", rise.bytes}, {"test_accuracy", rise.accuracy}});
  return columns(thinned(rises, most_curve_points), {"time_s", "bytes_on_wire", "test_accuracy"});
}

}  // namespace

Json samples_of(const std::vector<std::string>& paths, Json& notes) {
  const compare::Runs runs = compare::read_runs(paths);
  notes = runs.notes;
  Json made = Json::array();
  for (const compare::Configuration& configuration : runs.configurations)
    for (const compare::Sample& sample : configuration.samples) {
      Json measures = Json::object();
      for (std::size_t i = 0; i < compare::stored_measures; ++i)
        measures[compare::measure_names[i]] = or_null(sample.values[i]);
      made.push_back({{"label", label_of(in_folder(sample.place))},
                      {"name", configuration.scenario},
                      {"axes", configuration.axes},
                      {"seed", sample.seed},
                      {"workers", configuration.workers},
                      {"reason", sample.reason},
                      {"stop_accuracy", or_null(configuration.stop_accuracy.value_or(NAN))},
                      {"measures", measures},
                      {"curve", curve_of(sample)}});
    }
  return made;
}

Json student_quantiles(std::size_t most) {
  Json made = Json::array();
  for (std::size_t degrees = 1; degrees <= most; ++degrees)
    made.push_back(boost::math::quantile(boost::math::students_t(double(degrees)), 0.975));
  return made;
}

}  // namespace paceline::report
