// empirical: measured values, each as likely, divided by their mean.
#include <algorithm>
#include <numeric>

#include "sim/cluster/jitter/jitter.hpp"

namespace paceline::jitters {

Jitter empirical(Reader& in) {
  in.about("measured values, each as likely, divided by their mean");
  const NumberKey each{.minimum = 0, .maximum = 1e300, .help = "in any unit: durations as they were measured"};
  std::vector<double> values = in.numbers("values", each);
  const std::vector<double> from_file =
      in.numbers_or_file("file", {.minimum = 0, .maximum = 1e300, .help = "of values, in place of them"});
  if (in.describing()) return {};
  if (in.has("values") == in.has("file")) in.fail("", "needs \"values\" or \"file\", one of them");
  const char* const key = in.has("file") ? "file" : "values";
  if (in.has("file")) values = from_file;
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
  if (!(mean > 0)) in.fail(key, "must have a value above 0");
  std::sort(values.begin(), values.end());
  for (double& value : values) value /= mean;
  return [values = std::make_shared<const std::vector<double>>(std::move(values))](double u) {
    return (*values)[std::min(std::size_t(u * double(values->size())), values->size() - 1)];
  };
}

}  // namespace paceline::jitters
