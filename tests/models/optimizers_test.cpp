// adam, adamw, lars, lamb and clipping against their definitions written out in double, and against figures by hand.
#include <gtest/gtest.h>

#include "sim/core/errors.hpp"
#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

using Vector = std::vector<double>;
using Tensors = std::vector<std::size_t>;

double length(const Vector& x, std::size_t begin, std::size_t size) {
  double squares = 0;
  for (std::size_t i = begin; i < begin + size; ++i) squares += x[i] * x[i];
  return std::sqrt(squares);
}

// The rules as their papers have them, over one tensor of x at a time; t counts from 1.
struct Second {
  std::string object;  // of the optimizer under test
  std::function<void(Vector& x, const Vector& g, std::size_t begin, std::size_t size, double rate, int t)> step;
};

struct Memory {
  Vector m = Vector(40), v = Vector(40);
};

Vector adam_direction(Memory& memory, const Vector& g, std::size_t begin, std::size_t size, double epsilon, int t) {
  Vector u(size);
  for (std::size_t i = 0; i < size; ++i) {
    double &m = memory.m[begin + i], &v = memory.v[begin + i];
    m = 0.9 * m + 0.1 * g[begin + i];
    v = 0.99 * v + 0.01 * g[begin + i] * g[begin + i];
    u[i] = m / (1 - std::pow(0.9, t)) / (std::sqrt(v / (1 - std::pow(0.99, t))) + epsilon);
  }
  return u;
}

Second adam(double decay) {
  return {fmt::format(R"({{"kind": "adam", "learning_rate": 0.05, "beta2": 0.99, "weight_decay": {}}})", decay),
          [memory = Memory{}, decay](Vector& x, const Vector& g, std::size_t begin, std::size_t size, double rate,
                                     int t) mutable {
            Vector d = g;
            for (std::size_t i = begin; i < begin + size; ++i) d[i] += decay * x[i];
            const Vector u = adam_direction(memory, d, begin, size, 1e-8, t);
            for (std::size_t i = 0; i < size; ++i) x[begin + i] -= 0.05 * rate * u[i];
          }};
}

Second adamw(double decay) {
  return {fmt::format(R"({{"kind": "adamw", "learning_rate": 0.05, "beta2": 0.99, "weight_decay": {}}})", decay),
          [memory = Memory{}, decay](Vector& x, const Vector& g, std::size_t begin, std::size_t size, double rate,
                                     int t) mutable {
            const Vector u = adam_direction(memory, g, begin, size, 1e-8, t);
            for (std::size_t i = 0; i < size; ++i)
              x[begin + i] -= 0.05 * rate * decay * x[begin + i] + 0.05 * rate * u[i];
          }};
}

Second lamb(double decay) {
  return {fmt::format(R"({{"kind": "lamb", "learning_rate": 0.05, "beta2": 0.99, "weight_decay": {}}})", decay),
          [memory = Memory{}, decay](Vector& x, const Vector& g, std::size_t begin, std::size_t size, double rate,
                                     int t) mutable {
            Vector u = adam_direction(memory, g, begin, size, 1e-6, t);
            for (std::size_t i = 0; i < size; ++i) u[i] += decay * x[begin + i];
            const double own = length(x, begin, size), wanted = length(u, 0, size);
            const double ratio = own > 0 && wanted > 0 ? own / wanted : 1;
            for (std::size_t i = 0; i < size; ++i) x[begin + i] -= 0.05 * rate * ratio * u[i];
          }};
}

Second lars(double decay, double momentum) {
  return {fmt::format(R"({{"kind": "lars", "learning_rate": 0.5, "momentum": {}, "weight_decay": {}, "trust": 0.1}})",
                      momentum, decay),
          [velocity = Vector(40), decay, momentum](Vector& x, const Vector& g, std::size_t begin, std::size_t size,
                                                   double rate, int) mutable {
            const double own = length(x, begin, size), pull = length(g, begin, size);
            const double local = own > 0 && pull > 0 ? 0.1 * own / (pull + decay * own) : 1;
            for (std::size_t i = begin; i < begin + size; ++i) {
              velocity[i] = momentum * velocity[i] + 0.5 * rate * local * (g[i] + decay * x[i]);
              x[i] -= velocity[i];
            }
          }};
}

// Numbers stay below 2 and steps below 0.5: 40 steps with up to 10 roundings each of numbers below 0.5, and one below
// 2, are at most 40 · (10 · 0.5 + 2) · 2⁻²⁴ = 1.7e-5 off, and decay and momentum make an error smaller, or 1/(1 − 0.9)
// times as large at most.
TEST(Optimizers, FollowTheirDefinitionsInDouble) {
  const Tensors tensors{17, 1, 20, 2};
  for (Second second : {adam(0), adam(0.01), adamw(0), adamw(0.1), lamb(0), lamb(0.1), lars(0, 0), lars(0.01, 0.9)}) {
    SCOPED_TRACE(second.object);
    const auto made = optimizer(second.object, tensors);
    std::vector<float> x(40), g(40);
    for (std::size_t i = 0; i < 40; ++i) x[i] = float(std::cos(double(i)));
    x[17] = 0;  // a tensor of norm 0
    Vector exact(x.begin(), x.end());
    for (int t = 1; t <= 40; ++t) {
      const double rate = t < 20 ? 1 : 0.5;
      for (std::size_t i = 0; i < 40; ++i) g[i] = float(std::sin(double(t) + double(i)));
      if (t == 3) g[38] = g[39] = 0;  // a gradient of norm 0
      made->step(x.data(), g.data(), x.data(), rate);
      const Vector widened_g(g.begin(), g.end());
      std::size_t begin = 0;
      for (std::size_t size : tensors) {
        second.step(exact, widened_g, begin, size, rate, t);
        begin += size;
      }
    }
    for (std::size_t i = 0; i < 40; ++i) EXPECT_NEAR(x[i], exact[i], 1.9e-4) << "entry " << i;
  }
}

// The first step is along the gradient's sign, whatever its size: m̂ / √v̂ = ±1, with ε half of it here.
TEST(Adam, FirstStepIsTheSignOfTheGradient) {
  std::vector<float> x{1, 1, 1};
  const std::vector<float> g{0.5f, -2, 0};
  optimizer(R"({"kind": "adam", "learning_rate": 0.25, "epsilon": 0.5})", 3)->step(x.data(), g.data(), x.data(), 1);
  EXPECT_NEAR(x[0], 1 - 0.25 * 0.5 / (0.5 + 0.5), 1e-6);
  EXPECT_NEAR(x[1], 1 + 0.25 * 2 / (2 + 0.5), 1e-6);
  EXPECT_EQ(x[2], 1);
}

// ‖w‖ = 5, ‖u‖ = √2: a step of η‖w‖ along u, whatever the gradient's size; the second tensor is a norm of 0.
TEST(Lamb, AStepIsAsLongAsItsShareOfTheTensor) {
  std::vector<float> x{3, 4, 0};
  const std::vector<float> g{7, -7, 7};
  optimizer(R"({"kind": "lamb", "learning_rate": 0.1})", Tensors{2, 1})->step(x.data(), g.data(), x.data(), 1);
  EXPECT_NEAR(x[0], 3 - 0.1 * 5 / std::sqrt(2), 1e-6);
  EXPECT_NEAR(x[1], 4 + 0.1 * 5 / std::sqrt(2), 1e-6);
  EXPECT_NEAR(x[2], -0.1, 1e-6);
}

// 0.5 · ‖w‖ / ‖g‖ = 0.5 · 5 / 10, then η = 0.5: w − 0.125 g; where w is 0, w − 0.5 g.
TEST(Lars, ARateForEachTensorFromItsNorms) {
  std::vector<float> x{3, 4, 0};
  const std::vector<float> g{6, 8, 1};
  optimizer(R"({"kind": "lars", "learning_rate": 0.5, "trust": 0.5})", Tensors{2, 1})
      ->step(x.data(), g.data(), x.data(), 1);
  EXPECT_EQ(x, (std::vector<float>{2.25f, 3, -0.5f}));
}

TEST(Lars, HasAMomentumThatAStrategyCanGive) {
  const auto maker = read_kind(optimizers::all(), R"({"kind": "lars", "learning_rate": 1, "momentum": 0})");
  EXPECT_EQ(maker.momentum, 0);
  EXPECT_EQ(maker.with_momentum(0.5).momentum, 0.5);
}

// The gradient (3, 4) has the norm 5: clipped to 1 it is (0.6, 0.8), to 5 and above itself.
TEST(Clip, ScalesALongGradientDownAndLeavesOthers) {
  for (const auto& [clip, factor] : {std::pair(1.0, 0.2), {2.5, 0.5}, {5.0, 1.0}, {7.0, 1.0}})
    for (const char* kind : {"sgd", "lars"}) {
      std::vector<float> x{0, 0};
      const std::vector<float> g{3, 4};
      optimizer(fmt::format(R"({{"kind": "{}", "learning_rate": 1, "clip": {}}})", kind, clip), 2)
          ->step(x.data(), g.data(), x.data(), 1);
      EXPECT_NEAR(x[0], -3 * factor, 1e-6) << clip;
      EXPECT_NEAR(x[1], -4 * factor, 1e-6) << clip;
    }
}

TEST(Clip, IsOverAllTensorsTogetherAndStaysWhenMomentumIsGiven) {
  const auto maker =
      read_kind(optimizers::all(), R"({"kind": "sgd", "learning_rate": 1, "clip": 1})").with_momentum(0.5);
  const auto made = maker.make(Tensors{1, 1});
  std::vector<float> x{0, 0};
  const std::vector<float> g{3, 4};
  made->step(x.data(), g.data(), x.data(), 1);
  made->step(x.data(), g.data(), x.data(), 1);
  EXPECT_NEAR(x[0], -0.6 * 2.5, 1e-6);
  EXPECT_NEAR(x[1], -0.8 * 2.5, 1e-6);
}

// A rate_scale of 0 moves nothing, and parameters may be written elsewhere, with the same bits.
TEST(Optimizers, WriteANewVectorWithTheSameBitsAndLeaveTheOld) {
  for (const std::string& kind : optimizers::all().kinds()) {
    const std::string object = fmt::format(R"({{"kind": "{}", "learning_rate": 0.1, "clip": 0.5}})", kind);
    const auto here = optimizer(object, Tensors{2, 3}), there = optimizer(object, Tensors{2, 3});
    std::vector<float> x{1, -2, 3, 0.5f, 4}, y = x, next(5);
    const std::vector<float> g{0.3f, 2, -1, 0.1f, 5};
    for (int step = 0; step < 3; ++step) {
      const std::vector<float> before = y;
      here->step(x.data(), g.data(), x.data(), 1);
      there->step(y.data(), g.data(), next.data(), 1);
      EXPECT_EQ(y, before) << kind;
      y = next;
      EXPECT_EQ(x, y) << kind;
    }
  }
}

TEST(Optimizers, RejectKeysThatMakeNoSense) {
  for (const auto& [object, rule] :
       {std::pair(R"({"kind": "adam", "learning_rate": 1, "beta1": 1})", "/it/beta1: must be below 1"),
        std::pair(R"({"kind": "adamw", "learning_rate": 1, "beta2": 1.5})", "/it/beta2"),
        std::pair(R"({"kind": "lamb", "learning_rate": 1, "epsilon": 0})", "/it/epsilon"),
        std::pair(R"({"kind": "lars", "learning_rate": 1, "trust": 0})", "/it/trust"),
        std::pair(R"({"kind": "lars", "learning_rate": 1, "momentum": 1})", "/it/momentum"),
        std::pair(R"({"kind": "adam", "learning_rate": 1, "momentum": 0.9})", "unknown key \"momentum\""),
        std::pair(R"({"kind": "sgd", "learning_rate": 1, "clip": 0})", "/it/clip")})
    try {
      read_kind(optimizers::all(), object);
      ADD_FAILURE() << object << " was taken";
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find(rule), std::string::npos) << error.what();
    }
}

TEST(TensorSizes, OfASliceAreThoseOfItsPieces) {
  DataShape shape;
  shape.features = 3;
  shape.classes = 2;
  const auto made = model(R"({"kind": "softmax_regression"})", shape);  // 6 weights, 2 biases
  EXPECT_EQ(made->tensor_sizes(0, 8), (Tensors{6, 2}));
  EXPECT_EQ(made->tensor_sizes(0, 4), (Tensors{4}));
  EXPECT_EQ(made->tensor_sizes(4, 8), (Tensors{2, 2}));
  EXPECT_EQ(made->tensor_sizes(6, 7), (Tensors{1}));
  EXPECT_EQ(made->tensor_sizes(5, 5), (Tensors{}));
}

}  // namespace
}  // namespace paceline::testing
