#include "sim/experiment/calibrate/calibration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/experiment/expression.hpp"

namespace paceline {
namespace {

constexpr int most_steps = 30;
constexpr double near_enough = 1e-8;   // of a figure
constexpr double of_its_error = 1e-3;  // a step that is smaller beside a figure's standard error leads nowhere
constexpr double told_apart = 1e-4;    // of a column's length must be left beside those before it

const char* unit_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::duration:
      return "s";
    case Dimension::bandwidth:
      return "Bps";
    case Dimension::bytes:
      return "B";
    default:
      return "FLOPS";
  }
}

// The keys that stand beside a missing one, the nearest named.
std::string neighbours(const Node& document, const std::string& path) {
  const std::size_t dot = path.rfind('.');
  const Node* parent = dot == path.npos ? &document : look_up(document, path.substr(0, dot));
  std::vector<std::string> names;
  if (parent)
    for (const Member& member : parent->members) names.push_back(member.key);
  return names.empty() ? "" : did_you_mean_one_of(dot == path.npos ? path : path.substr(dot + 1), names);
}

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

// min |Σ_j d_j column_j − rest| over the columns that can be told apart, by modified Gram-Schmidt; others get 0.
struct Solution {
  Vector d, variance;  // the latter by σ² = 1
  std::vector<bool> told;
  double gain = 0;  // by which |rest|² falls
};
Solution least_squares(std::vector<Vector> columns, Vector rest) {
  const std::size_t k = columns.size();
  Solution solution{.d = Vector(k, 0), .variance = Vector(k, 0), .told = std::vector<bool>(k, false)};
  std::vector<Vector> r(k, Vector(k, 0));  // columns = Q R
  Vector q_rest(k, 0);
  for (std::size_t j = 0; j < k; ++j) {
    const double length = std::sqrt(dot(columns[j], columns[j]));
    for (std::size_t i = 0; i < j; ++i) {
      if (!solution.told[i]) continue;
      r[i][j] = dot(columns[i], columns[j]);
      for (std::size_t n = 0; n < rest.size(); ++n) columns[j][n] -= r[i][j] * columns[i][n];
    }
    const double left = std::sqrt(dot(columns[j], columns[j]));
    if (!(left > told_apart * length)) continue;
    solution.told[j] = true;
    r[j][j] = left;
    for (double& value : columns[j]) value /= left;
    q_rest[j] = dot(columns[j], rest);
    solution.gain += q_rest[j] * q_rest[j];
    for (std::size_t n = 0; n < rest.size(); ++n) rest[n] -= q_rest[j] * columns[j][n];
  }
  std::vector<Vector> inverse(k, Vector(k, 0));  // of R
  for (std::size_t j = k; j-- > 0;) {
    if (!solution.told[j]) continue;
    inverse[j][j] = 1 / r[j][j];
    for (std::size_t c = j + 1; c < k; ++c) {
      if (!solution.told[c]) continue;
      double sum = 0;
      for (std::size_t m = j + 1; m <= c; ++m)
        if (solution.told[m]) sum += r[j][m] * inverse[m][c];
      inverse[j][c] = -sum / r[j][j];
    }
    for (std::size_t c = j; c < k; ++c) {
      solution.d[j] += inverse[j][c] * q_rest[c];
      solution.variance[j] += inverse[j][c] * inverse[j][c];
    }
  }
  return solution;
}

class Search {
 public:
  Search(Node document, std::vector<Knob> knobs, std::span<const double> measured, const CalibrationModel& model)
      : document_(std::move(document)), knobs_(std::move(knobs)), measured_(measured), model_(model) {
    for (const Knob& knob : knobs_) inner_.push_back(knob.reciprocal() ? 1 / knob.value : knob.value);
  }

  Calibration run() {
    Vector errors = errors_of(inner_);
    for (int step = 0; step < most_steps; ++step) {
      const Vector before = inner_;
      const double squares = dot(errors, errors);
      const Vector d = direction(errors);
      double far = 0;
      for (std::size_t j = 0; j < d.size(); ++j) far = std::max(far, std::abs(d[j]) / size(j));
      if (far < near_enough || solution_.gain < of_its_error * of_its_error * variance(squares)) return result(errors);
      for (double scale = 1;; scale /= 2) {
        for (std::size_t j = 0; j < d.size(); ++j) inner_[j] = bounded(j, before[j] + scale * d[j]);
        errors = errors_of(inner_);
        if (dot(errors, errors) <= squares * (1 + 1e-12)) break;
        if (scale * far > near_enough) continue;
        inner_ = before;
        found_ = false;
        return result(errors_of(inner_));
      }
    }
    found_ = false;
    return result(errors);
  }

 private:
  double lowest(std::size_t j) const { return knobs_[j].is_share() ? 1 : knobs_[j].reciprocal() ? 1e-30 : 0; }
  double bounded(std::size_t j, double value) const { return std::max(value, lowest(j)); }
  // What a change of a knob is small or large beside.
  double size(std::size_t j) const {
    if (inner_[j] > 0) return inner_[j];
    return knobs_[j].dimension == Dimension::duration ? 1e-6 : 1;
  }

  Node with(const Vector& inner) const {
    Node made = document_;
    for (std::size_t j = 0; j < knobs_.size(); ++j) {
      Knob knob = knobs_[j];
      knob.value = knob.reciprocal() ? 1 / inner[j] : inner[j];
      set_path(made, knob.key, knob.node());
    }
    return made;
  }
  Vector errors_of(const Vector& inner) {
    Vector errors = model_(with(inner));
    for (std::size_t i = 0; i < errors.size(); ++i) errors[i] = errors[i] / measured_[i] - 1;
    return errors;
  }

  // Downhill. A knob that would leave its range stays at its bound, and the others are asked again.
  Vector direction(const Vector& errors) {
    columns_.clear();
    for (std::size_t j = 0; j < knobs_.size(); ++j) {
      Vector probe = inner_;
      probe[j] += 1e-3 * size(j);
      Vector column = errors_of(probe);
      for (std::size_t i = 0; i < column.size(); ++i) column[i] = (column[i] - errors[i]) / (1e-3 * size(j));
      columns_.push_back(std::move(column));
    }
    held_.assign(knobs_.size(), false);
    for (;;) {
      solve(errors);
      const auto leaves = [&](std::size_t j) {
        return !held_[j] && solution_.told[j] && inner_[j] <= lowest(j) * (1 + 1e-12) && solution_.d[j] < 0;
      };
      std::size_t j = 0;
      while (j < knobs_.size() && !leaves(j)) ++j;
      if (j == knobs_.size()) return solution_.d;
      held_[j] = true;
    }
  }
  void solve(const Vector& errors) {
    std::vector<Vector> columns = columns_;
    for (std::size_t j = 0; j < columns.size(); ++j)
      if (held_[j]) std::fill(columns[j].begin(), columns[j].end(), 0.0);
    Vector rest = errors;
    for (double& error : rest) error = -error;
    solution_ = least_squares(std::move(columns), std::move(rest));
  }

  // s², which (JᵀJ)⁻¹ makes the squares of standard errors.
  double variance(double squares) const {
    const auto told = std::count(solution_.told.begin(), solution_.told.end(), true);
    const double free = double(measured_.size()) - double(told);
    return free > 0 ? squares / free : 0;
  }

  Calibration result(const Vector& errors) {
    direction(errors);
    const double s2 = variance(dot(errors, errors));
    Calibration made;
    made.found = found_;
    made.document = with(inner_);
    for (std::size_t j = 0; j < knobs_.size(); ++j) {
      Knob knob = knobs_[j];
      knob.value = knob.reciprocal() ? 1 / inner_[j] : inner_[j];
      knob.told = solution_.told[j] || held_[j];
      knob.at_bound = inner_[j] <= lowest(j) * (1 + 1e-12) && knob.told;
      const double error = std::sqrt(s2 * solution_.variance[j]);
      knob.standard_error = knob.reciprocal() ? error * knob.value * knob.value : error;
      made.knobs.push_back(knob);
    }
    made.model = model_(made.document);
    return made;
  }

  Node document_;
  std::vector<Knob> knobs_;
  std::span<const double> measured_;
  const CalibrationModel& model_;
  Vector inner_;  // the knobs, or their reciprocals
  std::vector<Vector> columns_;
  std::vector<bool> held_;  // at a bound
  bool found_ = true;
  Solution solution_;
};

}  // namespace

std::string Knob::show() const {
  if (dimension == Dimension::duration) return show_duration(value);
  if (dimension == Dimension::bandwidth) return show_bandwidth(value);
  if (dimension == Dimension::bytes) return show_bytes(value);
  return dimension ? fmt::format("{:.4g} TFLOPS", value * 1e-12) : fmt::format("{:.4g}", value);
}

Node Knob::node() const {
  if (dimension) return Node::of_text(fmt::format("{}{}", value, unit_of(*dimension)));
  Node made;
  made.kind = Node::Kind::number;
  made.number = value;
  return made;
}

Knob knob_of(const Node& document, const std::string& key, std::optional<Dimension> missing) {
  Knob knob{.key = key};
  const Node* found = look_up(document, key);
  if (!found && (missing || knob.is_share())) {
    knob.dimension = missing;
    knob.value = knob.is_share() ? 1 : 0;
    return knob;
  }
  const std::string pointer = "/" + key;
  if (!found)
    throw ConfigError(document.place, pointer,
                      "is not there to be fitted: give it a first value" + neighbours(document, key));
  if (found->kind == Node::Kind::integer || found->kind == Node::Kind::number) {
    knob.value = found->number;
  } else {
    for (const Dimension each : {Dimension::duration, Dimension::bandwidth, Dimension::bytes, Dimension::compute})
      if (const auto value = found->kind == Node::Kind::text ? parse_quantity(found->text, each) : std::nullopt) {
        knob.dimension = each;
        knob.value = *value;
      }
    if (!knob.dimension)
      throw ConfigError(found->place, pointer,
                        fmt::format("must be a number or have a unit to be fitted, and is {}", found->show()));
  }
  if (knob.reciprocal() && !(knob.value > 0)) throw ConfigError(found->place, pointer, "must be above 0 to be fitted");
  return knob;
}

double Calibration::mean_error(std::span<const double> measured) const {
  double sum = 0;
  for (std::size_t i = 0; i < model.size(); ++i) sum += std::abs(model[i] / measured[i] - 1);
  return sum / double(model.size());
}

double Calibration::largest_error(std::span<const double> measured) const {
  double largest = 0;
  for (std::size_t i = 0; i < model.size(); ++i) largest = std::max(largest, std::abs(model[i] / measured[i] - 1));
  return largest;
}

Calibration calibrate(Node document, std::vector<Knob> knobs, std::span<const double> measured,
                      const CalibrationModel& model) {
  if (measured.size() < knobs.size())
    throw ConfigError(document.place, "",
                      fmt::format("{} figures cannot be fitted to {} measurements", knobs.size(), measured.size()));
  return Search(std::move(document), std::move(knobs), measured, model).run();
}

}  // namespace paceline
