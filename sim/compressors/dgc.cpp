// dgc: deep gradient compression. u ← mu + g, v ← v + u (momentum corrected for the delay), the top k of |v| are sent,
// and there v and u become zero (momentum factor masking). Before, g is clipped to the norm clip/√N. In the first
// `warmup_steps` r is .25, .0625, .015625 and .004, a quarter of them each. 8 bytes each of k = max(1, ⌊rD⌋) entries.
// Lin, Han, Mao, Wang, Dally, "Deep gradient compression", ICLR 2018.
#include <utility>

#include "sim/compressors/keys.hpp"
#include "sim/compressors/magnitude.hpp"
#include "sim/compressors/residuals.hpp"

namespace paceline::compressors {
namespace {

struct Settings {
  double ratio, momentum;
  std::optional<double> clip;
  std::int64_t warmup_steps;

  double ratio_at(std::int64_t step) const {
    constexpr double warm[] = {.25, .0625, .015625, .004};
    if (step >= warmup_steps) return ratio;
    return warm[std::size_t(4.0 * double(step) / double(warmup_steps))];
  }
};

class Dgc final : public Compressor {
 public:
  Dgc(const Settings& settings, const CompressorMaker::For& what)
      : settings_(settings), entries_(what.entries), workers_(what.workers), u_(what), v_(what) {}

  std::vector<double> bytes(std::int64_t step) const override { return {8 * kept(settings_.ratio_at(step), entries_)}; }

  void encode(int worker, std::int64_t step, std::span<const float> gradient, std::span<float> sent) override {
    const std::span<float> u = u_[worker], v = v_[worker];
    const float m = float(settings_.momentum), scale = clipping(gradient);
    for (std::size_t i = 0; i < v.size(); ++i) {
      u[i] = m * u[i] + scale * gradient[i];
      v[i] += u[i];
    }
    std::fill(sent.begin(), sent.end(), 0.0f);
    largest_.each(v, kept(settings_.ratio_at(step), v.size()), [&](std::size_t i) {
      sent[i] = std::exchange(v[i], 0.0f);
      u[i] = 0;
    });
  }

  std::span<const float> residual(int worker) const override { return v_.peek(worker); }

  std::unique_ptr<Compressor> clone() const override { return std::make_unique<Dgc>(*this); }

 private:
  float clipping(std::span<const float> gradient) const {
    if (!settings_.clip) return 1;
    double squares = 0;
    for (const float x : gradient) squares += double(x) * double(x);
    const double norm = std::sqrt(squares), bound = *settings_.clip / std::sqrt(double(workers_));
    return norm > bound ? float(bound / norm) : 1.0f;
  }

  Settings settings_;
  double entries_;
  int workers_;
  Residuals u_, v_;
  Largest largest_;
};

}  // namespace

CompressorMaker dgc(Reader& in) {
  in.about("deep gradient compression: top k of a velocity that waits for its turn (Lin et al. 2018)");
  Settings settings{};
  settings.ratio = read_ratio(in);
  settings.momentum = in.number(
      "momentum", {.minimum = 0, .fallback = 0.9, .help = "of a worker's velocity, in the optimizer's place; below 1"});
  settings.clip = in.optional_number(
      "clip",
      {.minimum = 0, .above_minimum = true, .help = "gradients are clipped to this norm over √workers; without: not"});
  settings.warmup_steps = in.integer(
      "warmup_steps", {.minimum = 0, .fallback = 0, .help = "sent in them: .25, .0625, .015625, .004, in equal parts"});
  if (settings.momentum >= 1) in.fail("momentum", "must be below 1: the velocity would grow for ever");
  return {.name = "dgc",
          .carriage = Carriage::gathered,
          .piecewise = false,
          .keeps_residual = true,
          .time = read_time(in),
          .make = [settings](const CompressorMaker::For& what) { return std::make_unique<Dgc>(settings, what); }};
}

}  // namespace paceline::compressors
