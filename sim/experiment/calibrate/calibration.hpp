// Calibration: figures of a document (a topology, a scenario) such that what is simulated with it meets what was
// measured: the least Σ (model_i / measured_i − 1)² over figures that are not negative, by Gauss and Newton with
// derivatives taken from the simulator itself. Bandwidths, compute speeds and efficiencies go in as their reciprocals,
// in which times are linear, so that a few steps do. A figure that the measurements cannot tell from those before it
// keeps its value, and is said so.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/core/document.hpp"
#include "sim/core/units.hpp"

namespace paceline {

struct Knob {
  std::string key;                       // dotted, in the document
  std::optional<Dimension> dimension{};  // of a quantity with a unit; none: a plain number
  double value = 0;                      // in base units
  double standard_error = 0;             // s² (JᵀJ)⁻¹, s² = Σ error² / (measurements − knobs that were told)
  bool told = true;                      // false: the measurements do not say
  bool at_bound = false;                 // 0, or an efficiency of 1

  bool is_share() const { return key.ends_with("efficiency"); }
  bool reciprocal() const { return is_share() || dimension == Dimension::bandwidth || dimension == Dimension::compute; }
  std::string show() const;  // "1.7 us"
  Node node() const;         // as it stands in a document
};

// The knob of a key as it stands in the document, or of one that is not there and counts as 0: `missing`. Throws
// ConfigError where it is no number and no quantity.
Knob knob_of(const Node& document, const std::string& key, std::optional<Dimension> missing = {});

struct Calibration {
  std::vector<Knob> knobs;
  std::vector<double> model;  // what is simulated with them
  Node document;              // with them
  // False: no step led down any more though the slope said so, as where the model is not smooth. The figures depend on
  // where the search began then, and standard errors mean nothing.
  bool found = true;

  double mean_error(std::span<const double> measured) const;  // absolute, relative
  double largest_error(std::span<const double> measured) const;
};

// `model`: of a document, in the order and unit of `measured`, all positive. Knobs in the order in which they are
// trusted. Throws ConfigError where there are fewer measurements than knobs, and what the model throws.
using CalibrationModel = std::function<std::vector<double>(const Node& document)>;
Calibration calibrate(Node document, std::vector<Knob> knobs, std::span<const double> measured,
                      const CalibrationModel& model);

}  // namespace paceline
