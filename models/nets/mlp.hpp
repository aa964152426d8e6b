// Multilayer perceptron: linear layers with ReLUs between them, cross-entropy on top. Without hidden layers it is
// softmax regression.
#pragma once
#include <vector>

#include "models/model.hpp"

namespace paceline {

class Mlp : public Model {
 public:
  Mlp(const DataShape& data, const std::vector<int>& hidden);

  std::vector<LayerCost> layers() const override;
  void gradient(const float* x, const Rows&, float scale, float* g, double* losses, Workspace&) const override;
  void gradient(const double* x, const Rows&, double scale, double* g, double* losses, Workspace&) const override;
  void evaluate(const float* x, const Rows&, double* losses, std::uint8_t* hits, Workspace&) const override;

 private:
  template <class Real>
  void differentiate(const Real* x, const Rows&, Real scale, Real* g, double* losses, Workspace&) const;

  std::size_t depth() const { return widths_.size() - 1; }  // linear layers

  std::vector<int> widths_;  // features, hidden…, classes
};

}  // namespace paceline
