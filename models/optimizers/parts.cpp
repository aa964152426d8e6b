#include "models/optimizers/parts.hpp"

#include <array>
#include <cmath>
#include <numeric>

namespace paceline {
namespace {

class Clipped final : public Optimizer {
 public:
  Clipped(std::unique_ptr<Optimizer> inner, double most, std::size_t size)
      : inner_(std::move(inner)), most_(most), scaled_(size) {}

  void step(const float* from, const float* g, float* to, double rate_scale) override {
    const double length = norm(g, scaled_.size());
    if (length > most_) {
      const float factor = float(most_ / length);
      for (std::size_t i = 0; i < scaled_.size(); ++i) scaled_[i] = factor * g[i];
      g = scaled_.data();
    }
    inner_->step(from, g, to, rate_scale);
  }

  std::unique_ptr<Optimizer> clone() const override {
    return std::make_unique<Clipped>(inner_->clone(), most_, scaled_.size());
  }

 private:
  std::unique_ptr<Optimizer> inner_;
  double most_;
  std::vector<float> scaled_;
};

OptimizerMaker clipped(const OptimizerMaker& maker, double most) {
  OptimizerMaker made = maker;
  made.make = [make = maker.make, most](std::span<const std::size_t> tensors) {
    return std::make_unique<Clipped>(make(tensors), most, sum(tensors));
  };
  made.clips = true;
  if (maker.with_momentum)
    made.with_momentum = [with = maker.with_momentum, most](double momentum) { return clipped(with(momentum), most); };
  return made;
}

double read_beta(Reader& in, std::string_view key, double fallback, std::string_view help) {
  const double beta = in.number(key, {.minimum = 0, .fallback = fallback, .help = help});
  if (beta >= 1) in.fail(key, "must be below 1: the mean would take nothing in");
  return beta;
}

}  // namespace

double read_learning_rate(Reader& in) {
  return in.number("learning_rate", {.minimum = 0, .above_minimum = true, .help = "step along the gradient"});
}

double read_momentum(Reader& in, double fallback) {
  const double momentum = in.number(
      "momentum", {.minimum = 0, .fallback = fallback, .help = "share of the velocity that a step keeps; below 1"});
  if (momentum >= 1) in.fail("momentum", "must be below 1: the velocity would grow for ever");
  return momentum;
}

std::size_t sum(std::span<const std::size_t> tensors) {
  return std::accumulate(tensors.begin(), tensors.end(), std::size_t{0});
}

double norm(const float* x, std::size_t size) {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= size; i += sums.size())
    for (std::size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += double(x[i + lane]) * double(x[i + lane]);
  for (; i < size; ++i) sums[0] += double(x[i]) * double(x[i]);
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

OptimizerMaker clipped(Reader& in, OptimizerMaker maker) {
  const auto most = in.optional_number(
      "clip", {.minimum = 0, .above_minimum = true, .help = "longest gradient: a longer one is scaled down to it"});
  return most && !in.describing() ? clipped(maker, *most) : maker;
}

AdamSettings read_adam(Reader& in, double epsilon, double weight_decay) {
  AdamSettings settings;
  settings.learning_rate = read_learning_rate(in);
  settings.beta1 = read_beta(in, "beta1", 0.9, "share of the gradient's mean that a step keeps; below 1");
  settings.beta2 = read_beta(in, "beta2", 0.999, "the same of the squared gradient's mean");
  settings.epsilon = in.number(
      "epsilon", {.minimum = 0, .above_minimum = true, .fallback = epsilon, .help = "added to the root it divides by"});
  settings.weight_decay =
      in.number("weight_decay", {.minimum = 0, .fallback = weight_decay, .help = "of all parameters, biases too"});
  return settings;
}

Moments::Moments(const AdamSettings& settings, std::size_t size)
    : settings_(settings), first_(size), second_(size), direction_(size) {}

std::span<const float> Moments::step(const float* g) {
  power1_ *= settings_.beta1;
  power2_ *= settings_.beta2;
  const float keep1 = float(settings_.beta1), take1 = float(1 - settings_.beta1);
  const float keep2 = float(settings_.beta2), take2 = float(1 - settings_.beta2);
  const float correction1 = float(1 / (1 - power1_)), correction2 = float(1 / std::sqrt(1 - power2_));
  const float epsilon = float(settings_.epsilon);
  float* __restrict m = first_.data(), * __restrict v = second_.data(), * __restrict u = direction_.data();
  for (std::size_t i = 0; i < direction_.size(); ++i) {
    m[i] = keep1 * m[i] + take1 * g[i];
    v[i] = keep2 * v[i] + take2 * g[i] * g[i];
    u[i] = m[i] * correction1 / (std::sqrt(v[i]) * correction2 + epsilon);
  }
  return direction_;
}

}  // namespace paceline
