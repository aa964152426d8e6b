// Decoder-only transformer on text (Radford et al. 2019, in small): token and position embeddings, blocks of causal
// attention and a GELU perceptron with layer norms before and residuals around them, a last norm, a linear head.
// Loss: mean cross-entropy over a row's positions.
#include <fmt/format.h>

#include <algorithm>

#include "models/layers/attention.hpp"
#include "models/layers/cross_entropy.hpp"
#include "models/layers/embedding.hpp"
#include "models/layers/gelu.hpp"
#include "models/layers/layer_norm.hpp"
#include "models/layers/linear.hpp"
#include "models/nets/blocks.hpp"
#include "models/nets/fit.hpp"

namespace paceline {
namespace {

constexpr int block_positions = 1024;

struct Sizes {
  int width, heads, depth, feed_forward;
};

// Tensors of a block, from its first; the last two are those of the net's end.
enum Piece : std::size_t { norm1 = 0, qkv = 2, out = 4, norm2 = 6, up = 8, down = 10, per_block = 12 };

LayerCost at_positions(LayerCost cost, int positions) {
  cost.flops *= positions;
  cost.activation_bytes *= positions;
  return cost;
}

class CharTransformer : public Model {
 public:
  CharTransformer(const DataShape& data, const Sizes& sizes)
      : s_(sizes), classes_(data.classes), shape_{data.features, sizes.width, sizes.heads} {
    need(data.text(), data, "char_transformer", "text, as of text");
    const int w = s_.width;
    add_tensor("token", {classes_, w}, w);
    add_tensor("position", {shape_.context, w}, w);
    for (int b = 1; b <= s_.depth; ++b) {
      const std::string name = fmt::format("block{}.", b);
      add_norm(name + "norm1");
      add_linear(name + "qkv", w, 3 * w);
      add_linear(name + "out", w, w);
      add_norm(name + "norm2");
      add_linear(name + "up", w, s_.feed_forward);
      add_linear(name + "down", s_.feed_forward, w);
    }
    add_norm("norm");
    add_linear("head", w, classes_);
  }

  std::vector<LayerCost> layers() const override {
    const int t = shape_.context, w = s_.width, f = s_.feed_forward;
    const auto linear = [t](std::string name, std::size_t at, int in, int to) {
      return at_positions(linear_cost(std::move(name), at, in, to), t);
    };
    const auto residual = [&](std::string name, std::size_t next) {  // two reads, a write
      return LayerCost{
          .name = std::move(name), .first_tensor = next, .flops = double(t) * w, .activation_bytes = 12.0 * t * w};
    };
    std::vector<LayerCost> costs{embedding_cost("embedding", 0, classes_, t, w)};
    for (int b = 0; b < s_.depth; ++b) {
      const std::string name = fmt::format("block{}.", b + 1);
      const std::size_t at = tensor_of(b, norm1);
      costs.push_back(layer_norm_cost(name + "norm1", at + norm1, t, w));
      costs.push_back(linear(name + "qkv", at + qkv, w, 3 * w));
      costs.push_back(attention_cost(name + "attention", at + out, shape_));
      costs.push_back(linear(name + "out", at + out, w, w));
      costs.push_back(residual(name + "add1", at + norm2));
      costs.push_back(layer_norm_cost(name + "norm2", at + norm2, t, w));
      costs.push_back(linear(name + "up", at + up, w, f));
      costs.push_back(gelu_cost(name + "gelu", at + down, t * f));
      costs.push_back(linear(name + "down", at + down, f, w));
      costs.push_back(residual(name + "add2", at + per_block));
    }
    const std::size_t end = tensor_of(s_.depth, norm1);
    costs.push_back(layer_norm_cost("norm", end, t, w));
    costs.push_back(linear("head", end + 2, w, classes_));
    return costs;
  }

  void gradient(const float* x, const Rows& rows, float scale, float* g, double* losses, Workspace& ws) const override {
    differentiate(x, rows, scale, g, losses, ws);
  }
  void gradient(const double* x, const Rows& rows, double scale, double* g, double* losses,
                Workspace& ws) const override {
    differentiate(x, rows, scale, g, losses, ws);
  }

  void evaluate(const float* x, const Rows& rows, double* losses, std::uint8_t* hits, Workspace& ws) const override {
    const auto context = std::size_t(shape_.context);
    for_blocks<float>(rows, height(), ws, [&](const Block<float>& block) {
      const Run<float> run = forward(x, block, ws);
      auto* own = ws.take<double>(std::size_t(block.n) * context);
      cross_entropy_forward(block.n * shape_.context, classes_, block.labels, run.logits, own,
                            hits + block.first * context);
      average(block.n, own, losses + block.first);
    });
  }

 private:
  // What a block of the net leaves for its backward.
  template <class Real>
  struct Kept {
    Real *normal1, *inverse1, *y1, *qkv, *p, *attended, *normal2, *inverse2, *y2, *up, *active;
  };
  template <class Real>
  struct Run {
    std::vector<Kept<Real>> blocks;
    Real *normal, *inverse, *y, *logits;
  };

  void add_norm(const std::string& name) {
    add_tensor(name + ".gain", {s_.width}, 0, 1);
    add_tensor(name + ".bias", {s_.width}, 0);
  }
  void add_linear(const std::string& name, int in, int to) {
    add_tensor(name + ".weight", {to, in}, in);
    add_tensor(name + ".bias", {to}, in);
  }
  static std::size_t tensor_of(int block, std::size_t part) { return 2 + std::size_t(block) * per_block + part; }
  std::size_t at(int block, std::size_t part) const { return tensors()[tensor_of(block, part)].offset; }
  std::size_t height() const { return std::size_t(std::max(1, block_positions / shape_.context)); }
  void average(int n, const double* positions, double* losses) const {
    for (int r = 0; r < n; ++r, positions += shape_.context) {
      losses[r] = 0;
      for (int t = 0; t < shape_.context; ++t) losses[r] += positions[t] / shape_.context;
    }
  }

  template <class Real>
  Run<Real> forward(const Real* x, const Block<Real>& block, Workspace& workspace) const {
    const int n = block.n * shape_.context, w = s_.width, f = s_.feed_forward;
    const auto take = [&](int width) { return workspace.take<Real>(std::size_t(n) * std::size_t(width)); };
    const auto norm = [&](int b, std::size_t part, const Real* from, Real* y, Real* normal, Real* inverse) {
      layer_norm_forward(n, w, from, x + at(b, part), x + at(b, part + 1), y, normal, inverse);
    };
    const auto linear = [&](int b, std::size_t part, int in, int to, const Real* from, Real* y) {
      linear_forward(n, in, to, from, x + at(b, part), x + at(b, part + 1), y);
    };
    const auto add = [&](const Real* from, Real* to) {
      for (std::size_t i = 0; i < std::size_t(n) * std::size_t(w); ++i) to[i] += from[i];
    };

    Run<Real> run;
    Real *stream = take(w), *branch = take(w);
    Real* turned = workspace.take<Real>(std::size_t(w) * std::size_t(shape_.context));
    embedding_forward(block.n, shape_.context, w, block.x, x, x + tensors()[1].offset, stream);
    for (int b = 0; b < s_.depth; ++b) {
      const Kept<Real>& k =
          run.blocks.emplace_back(Kept<Real>{take(w), take(1), take(w), take(3 * w), take(s_.heads * shape_.context),
                                             take(w), take(w), take(1), take(w), take(f), take(f)});
      norm(b, norm1, stream, k.y1, k.normal1, k.inverse1);
      linear(b, qkv, w, 3 * w, k.y1, k.qkv);
      attention_forward(block.n, shape_, k.qkv, k.p, k.attended, turned);
      linear(b, out, w, w, k.attended, branch);
      add(branch, stream);
      norm(b, norm2, stream, k.y2, k.normal2, k.inverse2);
      linear(b, up, w, f, k.y2, k.up);
      gelu_forward(std::size_t(n) * std::size_t(f), k.up, k.active);
      linear(b, down, f, w, k.active, branch);
      add(branch, stream);
    }
    run.normal = take(w), run.inverse = take(1), run.y = take(w), run.logits = take(classes_);
    norm(s_.depth, 0, stream, run.y, run.normal, run.inverse);
    linear(s_.depth, 2, w, classes_, run.y, run.logits);
    return run;
  }

  template <class Real>
  void differentiate(const Real* x, const Rows& rows, Real scale, Real* g, double* losses, Workspace& workspace) const {
    std::fill_n(g, size(), Real(0));
    for_blocks<Real>(rows, height(), workspace, [&](const Block<Real>& block) {
      const int n = block.n * shape_.context, w = s_.width, f = s_.feed_forward;
      const Run<Real> run = forward(x, block, workspace);
      const auto take = [&](int width) { return workspace.take<Real>(std::size_t(n) * std::size_t(width)); };
      const auto norm = [&](int b, std::size_t part, const Real* normal, const Real* inverse, const Real* dy,
                            Real* dx) {
        layer_norm_backward(n, w, x + at(b, part), normal, inverse, dy, g + at(b, part), g + at(b, part + 1), dx);
      };
      const auto linear = [&](int b, std::size_t part, int in, int to, const Real* from, const Real* dy, Real* dx) {
        linear_backward(n, in, to, from, x + at(b, part), dy, true, g + at(b, part), g + at(b, part + 1), dx);
      };

      auto* own = workspace.take<double>(std::size_t(n));
      cross_entropy_backward(n, classes_, block.labels, scale / Real(shape_.context), run.logits, own);
      average(block.n, own, losses + block.first);

      Real *stream = take(w), *branch = take(w), *wide = take(std::max(f, 3 * w));  // gradients of the same
      Real* dp = workspace.take<Real>(std::size_t(shape_.context));
      Real* turned = workspace.take<Real>(std::size_t(w) * std::size_t(shape_.context));
      std::fill_n(stream, std::size_t(n) * std::size_t(w), Real(0));
      linear(s_.depth, 2, w, classes_, run.y, run.logits, branch);
      norm(s_.depth, 0, run.normal, run.inverse, branch, stream);
      for (int b = s_.depth; b-- > 0;) {
        const Kept<Real>& k = run.blocks[std::size_t(b)];
        linear(b, down, f, w, k.active, stream, wide);
        gelu_backward(std::size_t(n) * std::size_t(f), k.up, wide);
        linear(b, up, w, f, k.y2, wide, branch);
        norm(b, norm2, k.normal2, k.inverse2, branch, stream);
        linear(b, out, w, w, k.attended, stream, branch);
        attention_backward(block.n, shape_, k.qkv, k.p, branch, wide, dp, turned);
        linear(b, qkv, w, 3 * w, k.y1, wide, branch);
        norm(b, norm1, k.normal1, k.inverse1, branch, stream);
      }
      embedding_backward(block.n, shape_.context, w, block.x, stream, g, g + tensors()[1].offset);
    });
  }

  Sizes s_;
  int classes_;
  AttentionShape shape_;
};

}  // namespace

namespace models {

ModelMaker char_transformer(Reader& in) {
  in.about("Decoder-only transformer on characters (after Radford et al. 2019): mean cross-entropy over positions.");
  const auto size = [&](std::string_view key, std::int64_t most, std::int64_t fallback, std::string_view help) {
    return int(in.integer(key, {.minimum = 1, .maximum = most, .fallback = fallback, .help = help}));
  };
  Sizes sizes{};
  sizes.width = size("width", 1 << 14, 64, "of the residual stream");
  sizes.heads = size("heads", 1 << 10, 4, "of attention; the width is a multiple");
  sizes.depth = size("depth", 1 << 10, 2, "blocks");
  const auto feed_forward = in.optional_integer(
      "feed_forward", {.minimum = 1, .maximum = 1 << 16, .help = "width within the perceptron; by default 4 × width"});
  const auto seed =
      in.optional_integer("seed", {.minimum = 0, .help = "of the initial parameters; by default the scenario's"});
  sizes.feed_forward = int(feed_forward.value_or(4 * sizes.width));
  if (!in.describing() && sizes.width % sizes.heads != 0)
    in.fail("heads", fmt::format("must divide the width, which is {}", sizes.width));
  return {[sizes](const DataShape& data) { return std::make_unique<const CharTransformer>(data, sizes); }, seed};
}

}  // namespace models
}  // namespace paceline
