// What a net needs of its data; all else is a Misfit.
#pragma once
#include <string>

#include "models/model.hpp"

namespace paceline {

inline std::string described(const DataShape& data) {
  if (data.text()) return "is text, with a label for every position";
  if (data.targets > 0) return "has real targets";
  if (data.labels == 0) return "is noise, with nothing to predict";
  return data.image() ? "is images of one label each" : "is rows of numbers of one label each";
}

inline void need(bool fits, const DataShape& data, const std::string& model, const std::string& what) {
  if (!fits) throw Misfit(model + " needs " + what + "; workload.dataset " + described(data));
}

inline void need_one_label(const DataShape& data, const std::string& model) {
  need(data.labels == 1, data, model, "rows of one label each, as of blobs or fashion_mnist");
}

}  // namespace paceline
