#include "sim/experiment/report/steps.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <fstream>

#include "sim/core/errors.hpp"

namespace paceline::report {
namespace {

constexpr std::string_view header =
    "worker,step,start_s,compute_s,wait_s,exposed_communication_s,queue_s,samples,train_loss,staleness";
constexpr int buckets_per_doubling = 700;  // a bucket is 0.1 % wide
constexpr int most_bars = 48;
constexpr std::size_t most_bins = 256;

// A number and the comma after it; an empty cell is 0.
template <class Number>
bool take(const char*& at, const char* end, Number& into) {
  if (at != end && *at != ',') {
    const auto [after, error] = std::from_chars(at, end, into);
    if (error != std::errc()) return false;
    at = after;
  }
  if (at == end) return true;
  return *at++ == ',';
}

bool parse(const std::string& line, StepRow& row) {
  const char *at = line.data(), *const end = at + line.size();
  double samples = 0, loss = 0;
  return take(at, end, row.worker) && take(at, end, row.step) && take(at, end, row.start_s) &&
         take(at, end, row.seconds[0]) && take(at, end, row.seconds[1]) && take(at, end, row.seconds[2]) &&
         take(at, end, row.seconds[3]) && take(at, end, samples) && take(at, end, loss) &&
         take(at, end, row.staleness) && at == end && row.worker >= 0 && row.step >= 0;
}

double edge(int bucket) { return std::exp2(double(bucket) / buckets_per_doubling); }

}  // namespace

void Durations::add(double seconds) {
  least_ = count_ ? std::min(least_, seconds) : seconds;
  most_ = std::max(most_, seconds);
  ++count_;
  sum_ += seconds;
  if (seconds > 0) ++buckets_[int(std::floor(std::log2(seconds) * buckets_per_doubling))];
  else ++none_;
}

double Durations::quantile(double share) const {
  std::uint64_t below = none_;
  const double wanted = share * double(count_);
  if (double(below) >= wanted) return 0;
  for (const auto& [bucket, count] : buckets_)
    if (double(below += count) >= wanted) return std::min(edge(bucket + 1), most_);
  return most_;
}

Json Durations::bins() const {
  auto edges = Json::array(), counts = Json::array();
  if (!buckets_.empty()) {
    const int first = buckets_.begin()->first, wide = (buckets_.rbegin()->first - first) / most_bars + 1;
    std::vector<std::uint64_t> bars(std::size_t((buckets_.rbegin()->first - first) / wide + 1));
    for (const auto& [bucket, count] : buckets_) bars[std::size_t((bucket - first) / wide)] += count;
    for (std::size_t i = 0; i <= bars.size(); ++i) edges.push_back(rounded(edge(first + int(i) * wide)));
    for (const std::uint64_t count : bars) counts.push_back(count);
  }
  return {{"rows", count_},
          {"of_no_duration", none_},
          {"mean_s", rounded(count_ ? sum_ / double(count_) : 0)},
          {"min_s", rounded(least_)},
          {"p50_s", rounded(quantile(0.5))},
          {"p95_s", rounded(quantile(0.95))},
          {"max_s", rounded(most_)},
          {"edges_s", edges},
          {"counts", counts}};
}

void OverSteps::add(const StepRow& row) {
  while (std::size_t(row.step / width_) >= most_bins) {
    for (std::size_t i = 0; i < bins_.size(); ++i) {
      Bin& into = bins_[i / 2];
      const Bin from = bins_[i];
      if (i % 2 == 0) {
        into = from;
        continue;
      }
      into.rows += from.rows;
      into.staleness += from.staleness;
      into.longest_s = std::max(into.longest_s, from.longest_s);
      for (std::size_t a = 0; a < from.seconds.size(); ++a) into.seconds[a] += from.seconds[a];
    }
    bins_.resize((bins_.size() + 1) / 2);
    width_ *= 2;
  }
  const auto at = std::size_t(row.step / width_);
  if (at >= bins_.size()) bins_.resize(at + 1);
  Bin& bin = bins_[at];
  ++bin.rows;
  bin.staleness += row.staleness;
  bin.longest_s = std::max(bin.longest_s, row.duration());
  for (std::size_t a = 0; a < row.seconds.size(); ++a) bin.seconds[a] += row.seconds[a];
}

Json OverSteps::columns() const {
  Json made{{"width", width_}};
  constexpr std::array names{"compute_s", "wait_s", "exposed_communication_s", "queue_s"};
  for (const char* name : names) made[name] = Json::array();
  made["longest_s"] = made["staleness"] = Json::array();
  for (const Bin& bin : bins_) {
    const double rows = bin.rows ? double(bin.rows) : 1;
    for (std::size_t a = 0; a < names.size(); ++a) made[names[a]].push_back(rounded(bin.seconds[a] / rows));
    made["longest_s"].push_back(rounded(bin.longest_s));
    made["staleness"].push_back(rounded(bin.staleness / rows));
  }
  return made;
}

Json read_steps(const std::string& file, const std::set<int>& workers, std::pair<std::int64_t, std::int64_t> window) {
  std::vector<char> buffer(1 << 20);
  std::ifstream in;
  in.rdbuf()->pubsetbuf(buffer.data(), std::streamsize(buffer.size()));
  in.open(file, std::ios::binary);
  std::string line;
  if (!std::getline(in, line) || line != header) throw ConfigError(file + ": not the steps.csv of a run");
  Durations durations;
  OverSteps over;
  Json worker = Json::array(), step = Json::array(), start = Json::array(), staleness = Json::array();
  std::array<Json, 4> seconds;
  seconds.fill(Json::array());
  StepRow row;
  for (std::int64_t number = 2; std::getline(in, line); ++number) {
    row = {};
    if (!parse(line, row)) throw ConfigError(fmt::format("{}:{}: not a row of steps.csv: {}", file, number, line));
    durations.add(row.duration());
    over.add(row);
    if (row.step < window.first || row.step >= window.second || !workers.contains(row.worker)) continue;
    worker.push_back(row.worker);
    step.push_back(row.step);
    start.push_back(row.start_s);
    staleness.push_back(row.staleness);
    for (std::size_t a = 0; a < seconds.size(); ++a) seconds[a].push_back(rounded(row.seconds[a]));
  }
  return {{"durations", durations.bins()},
          {"over_steps", over.columns()},
          {"timeline",
           {{"first_step", window.first},
            {"last_step", window.second},
            {"worker", worker},
            {"step", step},
            {"start_s", start},
            {"compute_s", seconds[0]},
            {"wait_s", seconds[1]},
            {"exposed_communication_s", seconds[2]},
            {"queue_s", seconds[3]},
            {"staleness", staleness}}}};
}

}  // namespace paceline::report
