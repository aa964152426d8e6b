// Every layer by itself: its backward against central differences of its forward in double; the lanes of a
// convolutional net against each other; parameters, FLOPs and bytes against figures reckoned by hand.
#include <cstring>
#include <random>

#include "models/layers/attention.hpp"
#include "models/layers/embedding.hpp"
#include "models/layers/gelu.hpp"
#include "models/layers/lanes/layer.hpp"
#include "models/layers/layer_norm.hpp"
#include "models/layers/linear.hpp"
#include "models/layers/relu.hpp"
#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

using Vector = std::vector<double>;

Vector noise(std::size_t count, unsigned seed) {
  std::mt19937 draws(seed);
  Vector made(count);
  for (double& value : made) value = double(draws()) / 2147483648.0 - 1;  // in [-1, 1)
  return made;
}

// f = Σ c·y(x): dx, which backward made of dy = c, against (f(x + h) − f(x − h))/2h. With values, weights and h²·f'''
// of the order of 1, 1 and 1e-10, and sums of 100 terms, both errors are below 1e-8.
template <class Forward>
void expect_slopes(Vector x, const Vector& dx, const Vector& c, const Forward& forward) {
  const auto f = [&] {
    const Vector y = forward(x);
    EXPECT_EQ(y.size(), c.size());
    return std::inner_product(y.begin(), y.end(), c.begin(), 0.0);
  };
  constexpr double h = 1e-5;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double at = x[i];
    x[i] = at + h;
    const double above = f();
    x[i] = at - h;
    const double below = f();
    x[i] = at;
    EXPECT_NEAR(dx[i], (above - below) / (2 * h), 1e-8) << "entry " << i;
  }
}

TEST(LayerBackward, OfLinear) {
  constexpr int n = 3, in = 4, out = 5;
  const Vector x = noise(n * in, 1), w = noise(out * in, 2), b = noise(out, 3), c = noise(n * out, 4);
  const auto forward = [&](const Vector& rows, const Vector& weights, const Vector& bias) {
    Vector y(n * out);
    linear_forward(n, in, out, rows.data(), weights.data(), bias.data(), y.data());
    return y;
  };
  Vector dw(out * in), db(out), dx(n * in);
  linear_backward(n, in, out, x.data(), w.data(), c.data(), false, dw.data(), db.data(), dx.data());
  expect_slopes(x, dx, c, [&](const Vector& v) { return forward(v, w, b); });
  expect_slopes(w, dw, c, [&](const Vector& v) { return forward(x, v, b); });
  expect_slopes(b, db, c, [&](const Vector& v) { return forward(x, w, v); });
}

TEST(LayerBackward, OfReluAndGelu) {
  const Vector x = noise(50, 1), c = noise(50, 2);
  const auto relu = [](Vector v) {
    relu_forward(v.size(), v.data());
    return v;
  };
  const auto gelu = [](const Vector& v) {
    Vector y(v.size());
    gelu_forward(v.size(), v.data(), y.data());
    return y;
  };
  Vector dx = c;
  relu_backward(x.size(), relu(x).data(), dx.data());
  expect_slopes(x, dx, c, relu);
  dx = c;
  gelu_backward(x.size(), x.data(), dx.data());
  expect_slopes(x, dx, c, gelu);
}

TEST(LayerBackward, OfLayerNorm) {
  constexpr int n = 3, width = 7;
  const Vector x = noise(n * width, 1), gain = noise(width, 2), bias = noise(width, 3), c = noise(n * width, 4);
  Vector normal(n * width), inverse(n);
  const auto forward = [&](const Vector& rows, const Vector& g, const Vector& b) {
    Vector y(n * width);
    layer_norm_forward(n, width, rows.data(), g.data(), b.data(), y.data(), normal.data(), inverse.data());
    return y;
  };
  forward(x, gain, bias);
  Vector dgain(width), dbias(width), dx(n * width);
  layer_norm_backward(n, width, gain.data(), normal.data(), inverse.data(), c.data(), dgain.data(), dbias.data(),
                      dx.data());
  expect_slopes(x, dx, c, [&](const Vector& v) { return forward(v, gain, bias); });
  expect_slopes(gain, dgain, c, [&](const Vector& v) { return forward(x, v, bias); });
  expect_slopes(bias, dbias, c, [&](const Vector& v) { return forward(x, gain, v); });
}

TEST(LayerBackward, OfAttention) {
  constexpr AttentionShape shape{5, 6, 3};
  constexpr int n = 2, values = n * 5 * 6;
  const Vector qkv = noise(3 * values, 1), c = noise(values, 2);
  Vector p(n * 3 * 5 * 5), turned(6 * 5), dp(5), dqkv(3 * values);
  const auto forward = [&](const Vector& v) {
    Vector y(values);
    attention_forward(n, shape, v.data(), p.data(), y.data(), turned.data());
    return y;
  };
  forward(qkv);
  attention_backward(n, shape, qkv.data(), p.data(), c.data(), dqkv.data(), dp.data(), turned.data());
  expect_slopes(qkv, dqkv, c, forward);
}

TEST(LayerBackward, OfEmbedding) {
  constexpr int n = 2, context = 3, width = 4, classes = 5;
  const Vector ids{0, 3, 3, 1, 0, 4}, token = noise(classes * width, 1), position = noise(context * width, 2);
  const Vector c = noise(n * context * width, 3);
  const auto forward = [&](const Vector& t, const Vector& at) {
    Vector y(n * context * width);
    embedding_forward(n, context, width, ids.data(), t.data(), at.data(), y.data());
    return y;
  };
  Vector dtoken(classes * width), dposition(context * width);
  embedding_backward(n, context, width, ids.data(), c.data(), dtoken.data(), dposition.data());
  expect_slopes(token, dtoken, c, [&](const Vector& v) { return forward(v, position); });
  expect_slopes(position, dposition, c, [&](const Vector& v) { return forward(token, v); });
}

struct LaneCase {
  const char* name;
  LayerMaker maker;
  Plane in;
};

class LaneLayer : public ::testing::TestWithParam<LaneCase> {
 protected:
  std::unique_ptr<const Layer> layer_ = GetParam().maker(GetParam().in);
  std::size_t size() const {
    std::size_t all = 0;
    for (const Tensor& tensor : layer_->tensors)
      all += std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::size_t{1}, std::multiplies<>());
    return all;
  }

  template <class Real>
  struct Made {
    std::vector<Real> y, dx, g;
  };
  // Of n images; rows and slopes [n, …] are plain. Memory holds NaNs: nothing may be read that was not written.
  template <class Real>
  Made<Real> run(const Lanes<Real>& lanes, int n, const std::vector<Real>& rows, const std::vector<Real>& w,
                 const std::vector<Real>& slopes) const {
    const auto in = std::size_t(layer_->in.size()), out = std::size_t(layer_->out.size()), l = std::size_t(lanes.count);
    std::vector<Real> own(layer_->memory(lanes.count), Real(NAN)), x(in * l, Real(NAN)), y(out * l, Real(NAN)),
        dy(out * l, Real(NAN)), dx(in * l, Real(NAN));
    Made<Real> made{std::vector<Real>(std::size_t(n) * out), std::vector<Real>(std::size_t(n) * in),
                    std::vector<Real>(size())};
    const Pass<Real> pass{lanes, w.data(), own.data()};
    layer_->prepare(pass);
    lanes.gather(rows.data(), n, int(in), x.data());
    Real* to = layer_->in_place ? x.data() : y.data();
    layer_->forward(pass, x.data(), to);
    lanes.scatter(to, n, int(out), made.y.data());
    lanes.gather(slopes.data(), n, int(out), dy.data());
    layer_->backward(pass, n, x.data(), dy.data(), dx.data(), made.g.data());
    layer_->finish(pass, made.g.data());
    lanes.scatter(layer_->in_place ? dy.data() : dx.data(), n, int(in), made.dx.data());
    return made;
  }
};

TEST_P(LaneLayer, HasTheBackwardOfItsForward) {
  const auto& lanes = lanes_for<double>(1);
  const Vector x = noise(std::size_t(layer_->in.size()), 1), w = noise(size(), 2);
  const Vector c = noise(std::size_t(layer_->out.size()), 3);
  const auto made = run<double>(lanes, 1, x, w, c);
  expect_slopes(x, made.dx, c, [&](const Vector& v) { return run<double>(lanes, 1, v, w, c).y; });
  expect_slopes(w, made.g, c, [&](const Vector& v) { return run<double>(lanes, 1, x, v, c).y; });
}

// AVX-512, AVX2 and plain code, with all lanes taken and with some.
TEST_P(LaneLayer, HasTheSameBitsOnEveryProcessor) {
  const auto narrow = [](const Vector& v) { return std::vector<float>(v.begin(), v.end()); };
  for (const int count : {16, 8})
    for (const int n : {count, count - 3}) {
      const auto x = narrow(noise(std::size_t(layer_->in.size() * n), 1)), w = narrow(noise(size(), 2));
      const auto c = narrow(noise(std::size_t(layer_->out.size() * n), 3));
      const auto here = lanes_here(count);
      const auto first = run<float>(*here[0], n, x, w, c);
      for (const Lanes<float>* lanes : here) {
        const auto made = run<float>(*lanes, n, x, w, c);
        EXPECT_EQ(made.y, first.y) << lanes->name << ", " << n << " of " << count << " lanes";
        EXPECT_EQ(made.dx, first.dx) << lanes->name << ", " << n << " of " << count << " lanes";
        EXPECT_EQ(made.g, first.g) << lanes->name << ", " << n << " of " << count << " lanes";
      }
    }
}

INSTANTIATE_TEST_SUITE_P(All, LaneLayer,
                         ::testing::Values(LaneCase{"conv_5", conv_layer(9, 5), {2, 11, 12}},
                                           LaneCase{"conv_3_padded", conv_layer(4, 3, 1, 1), {3, 6, 7}},
                                           LaneCase{"conv_4_stride_2", conv_layer(5, 4, 2), {2, 9, 7}},
                                           LaneCase{"conv_7_stride_3_padded", conv_layer(2, 7, 3, 6), {1, 4, 8}},
                                           LaneCase{"conv_1", conv_layer(6, 1), {5, 3, 2}},
                                           LaneCase{"conv_8", conv_layer(1, 8), {2, 8, 8}},
                                           LaneCase{"pool_2", max_pool_layer(2), {3, 6, 8}},
                                           LaneCase{"pool_3_with_edges", max_pool_layer(3), {2, 8, 10}},
                                           LaneCase{"relu", relu_layer(), {3, 5, 5}},
                                           LaneCase{"linear", linear_layer(19), {3, 5, 5}}),
                         [](const auto& suite) { return suite.param.name; });

TEST(Cnn, RowsDoNotDependOnTheirCompany) {
  const auto data = images(1, 8, 8, 3);
  const auto net = model(R"({"kind": "cnn", "layers": [{"kind": "conv", "channels": 4, "kernel": 3}]})", data->shape());
  const auto x = initial_parameters(*net, 1);
  const auto all = sequence(200);
  const auto whole = gradient<float>(*net, x, *data, all).losses;
  for (std::size_t n : {1u, 7u, 8u, 9u, 16u, 17u, 24u, 25u, 100u}) {
    const auto some = gradient<float>(*net, x, *data, std::span(all).first(n)).losses;
    EXPECT_EQ(some, std::vector<double>(whole.begin(), whole.begin() + std::ptrdiff_t(n))) << n << " rows";
  }
}

constexpr DataShape fashion{.features = 784, .classes = 10, .train_rows = 1, .test_rows = 1, .height = 28, .width = 28};

TEST(Cnn, HasTheParametersAndCostsThatItsShapesSay) {
  const auto net = model(R"({"kind": "cnn"})", fashion);
  EXPECT_EQ(net->size(), 5'994u);  // 8·26 + 16·(8·25 + 1) + 10·257
  const auto layers = net->layers();
  ASSERT_EQ(layers.size(), 7u);
  const char* names[] = {"conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "fc"};
  const double flops[] = {2 * 8 * 25 * 24 * 24, 8 * 24 * 24,    3 * 8 * 12 * 12, 2 * 16 * 8 * 25 * 8 * 8,
                          16 * 8 * 8,           3 * 16 * 4 * 4, 2 * 256 * 10};
  const double bytes[] = {4 * (784 + 4608), 8 * 4608, 4 * (4608 + 1152), 4 * (1152 + 1024), 8 * 1024,
                          4 * (1024 + 256), 4 * 266};
  for (std::size_t l = 0; l < 7; ++l) {
    EXPECT_EQ(layers[l].name, names[l]);
    EXPECT_EQ(layers[l].flops, flops[l]) << names[l];
    EXPECT_EQ(layers[l].activation_bytes, bytes[l]) << names[l];
    EXPECT_EQ(layers[l].backward_factor, flops[l] == 2 * 256 * 10 || names[l][0] == 'c' ? 2 : 1) << names[l];
  }
}

// Context 5, five classes, width 6, two heads, feed-forward 7, two blocks.
TEST(CharTransformer, HasTheParametersAndCostsThatItsShapesSay) {
  const auto net = model(R"({"kind": "char_transformer", "width": 6, "heads": 2, "depth": 2, "feed_forward": 7})",
                         letters()->shape());
  const std::size_t block = 2 * 6 + (18 * 6 + 18) + (6 * 6 + 6) + 2 * 6 + (7 * 6 + 7) + (6 * 7 + 6);
  EXPECT_EQ(net->size(), 5 * 6 + 5 * 6 + 2 * block + 2 * 6 + 5 * 6 + 5);
  std::map<std::string, LayerCost> costs;
  for (const LayerCost& cost : net->layers()) costs[cost.name] = cost;
  EXPECT_EQ(costs.size(), 1u + 2 * 10 + 2);
  EXPECT_EQ(costs["embedding"].flops, 5 * 6);
  EXPECT_EQ(costs["block2.norm1"].flops, 7 * 5 * 6);
  EXPECT_EQ(costs["block1.qkv"].flops, 5 * 2 * 6 * 18);
  EXPECT_EQ(costs["block1.attention"].flops, 15 * (4 * 6 + 5 * 2));  // 15 pairs of positions
  EXPECT_EQ(costs["block1.attention"].activation_bytes, 4 * (4 * 5 * 6 + 2 * 15 * 2));
  EXPECT_EQ(costs["block1.gelu"].flops, 5 * 5 * 7);
  EXPECT_EQ(costs["block1.down"].flops, 5 * 2 * 7 * 6);
  EXPECT_EQ(costs["block1.add2"].flops, 5 * 6);
  EXPECT_EQ(costs["head"].flops, 5 * 2 * 6 * 5);
}

TEST(SmallModels, HaveTheParametersAndCostsThatTheirShapesSay) {
  const auto line = model(R"({"kind": "linear_regression"})", {.features = 20, .labels = 0, .targets = 1});
  EXPECT_EQ(line->size(), 21u);
  EXPECT_EQ(line->layers()[0].flops, 40);
  const auto square = model(R"({"kind": "quadratic", "start": 0.5})", {.features = 9, .labels = 0});
  EXPECT_EQ(square->size(), 9u);
  EXPECT_EQ(square->layers()[0].flops, 2 * 25 + 2 * 9 + 2 * 9 + 2);
  EXPECT_EQ(initial_parameters(*square, 1), std::vector<float>(9, 0.5f));
}

// A x* = b has x*_i = −(1 − i/(d + 1)), i = 1 … d; f* = −½bᵀx* = −d/(8(d + 1)).
TEST(Quadratic, HasItsMinimumWhereItsEquationSays) {
  const auto data = dataset(R"({"kind": "quadratic_noise", "dimension": 10, "sigma": 0.1, "rows": 4000})");
  const auto square = model(R"({"kind": "quadratic"})", data->shape());
  Vector x;
  for (int i = 1; i <= 10; ++i) x.push_back(-(1 - i / 11.0));
  const std::vector<float> narrow(x.begin(), x.end());
  double loss = 0;
  std::uint8_t hit = 0;
  Workspace workspace;
  square->evaluate(narrow.data(), Rows{*data, Part::test, sequence(1)}, &loss, &hit, workspace);
  EXPECT_NEAR(loss, -10 / 88.0, 1e-7);
  // The mean of 4,000 noisy gradients: 0 within 4.5 standard errors.
  for (double slope : gradient<double>(*square, x, *data, sequence(4'000), 1.0 / 4'000).g)
    EXPECT_NEAR(slope, 0, 4.5 * 0.1 / std::sqrt(4'000.0));
}

TEST(LinearRegression, HasNothingToLearnAtTheTruthButTheNoise) {
  const auto data = dataset(R"({"kind": "linear", "features": 3, "rows": 2000, "noise": 0.5})");
  const auto line = model(R"({"kind": "linear_regression"})", data->shape());
  auto x = widened(initial_parameters(*line, 1));
  for (int k = 0; k < 200; ++k) {
    const auto made = gradient<double>(*line, x, *data, sequence(2'000), 1.0 / 2'000);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= 0.5 * made.g[i];
  }
  // Least squares leave ½·σ²·(1 − 4/2000), within 4.5 standard errors of ½·σ²·√(2/2000).
  const double loss = gradient<double>(*line, x, *data, sequence(2'000)).loss() / 2'000;
  EXPECT_NEAR(loss, 0.125, 4.5 * 0.125 * std::sqrt(2.0 / 2'000) + 0.001);
  EXPECT_NEAR(x[3], 0, 4.5 * 0.5 / std::sqrt(2'000.0));  // the data have no constant
}

}  // namespace
}  // namespace paceline::testing
