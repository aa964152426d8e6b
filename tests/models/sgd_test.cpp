#include <gtest/gtest.h>

#include "sim/core/errors.hpp"
#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

// After `steps` steps with the same gradient from x.
std::vector<float> after(std::string_view object, int steps, std::vector<float> x, const std::vector<float>& g,
                         double rate_scale = 1) {
  const auto made = optimizer(object, x.size());
  for (int k = 0; k < steps; ++k) made->step(x.data(), g.data(), x.data(), rate_scale);
  return x;
}

// All figures below are short binary fractions: float arithmetic is exact, so are the comparisons.
TEST(Sgd, WithoutMomentumGoesDownTheGradient) {
  EXPECT_EQ(after(R"({"kind": "sgd", "learning_rate": 0.25})", 3, {1, -2}, {0.5f, 4}),
            (std::vector<float>{0.625f, -5}));
}

TEST(Sgd, ScalesItsRateByWhatAStepIsGiven) {
  EXPECT_EQ(after(R"({"kind": "sgd", "learning_rate": 0.25})", 1, {1}, {1}, 0.5), (std::vector<float>{0.875f}));
}

// v_k = g(1 − μ^k)/(1 − μ): with μ = ½ the velocities are 1, 1.5, 1.75.
TEST(Sgd, MomentumStartsWithTheGradientAndSumsAGeometricSeries) {
  const char* half = R"({"kind": "sgd", "learning_rate": 0.25, "momentum": 0.5})";
  EXPECT_EQ(after(half, 1, {0}, {1}), (std::vector<float>{-0.25f}));
  EXPECT_EQ(after(half, 3, {0}, {1}), (std::vector<float>{-0.25f * (1 + 1.5f + 1.75f)}));
}

// Steps g + μv: 1.5, 1.75, 1.875.
TEST(Sgd, NesterovLooksAheadAlongTheVelocity) {
  EXPECT_EQ(after(R"({"kind": "sgd", "learning_rate": 0.25, "momentum": 0.5, "nesterov": true})", 3, {0}, {1}),
            (std::vector<float>{-0.25f * (1.5f + 1.75f + 1.875f)}));
}

TEST(Sgd, DecayShrinksGeometrically) {
  EXPECT_EQ(after(R"({"kind": "sgd", "learning_rate": 0.5, "weight_decay": 0.5})", 4, {256}, {0}),
            (std::vector<float>{81}));  // (3/4)⁴
}

// Decay joins the gradient before the momentum: d = ½·16 = 8, x = 12, v = 8; d = 6, v = 10, x = 7.
TEST(Sgd, DecayGoesThroughTheMomentum) {
  EXPECT_EQ(after(R"({"kind": "sgd", "learning_rate": 0.5, "weight_decay": 0.5, "momentum": 0.5})", 2, {16}, {0}),
            (std::vector<float>{7}));
}

TEST(Sgd, WithoutDecayTakesNoNoticeOfInfiniteParameters) {
  EXPECT_EQ(after(R"({"kind": "sgd", "learning_rate": 0.5, "momentum": 0.5})", 1, {INFINITY}, {1})[0], INFINITY);
}

// Against the definition in double. A step has up to 6 roundings of numbers below 8 here: 40·6·8·2⁻²⁴ = 1.2e-4 at
// worst.
TEST(Sgd, FollowsItsDefinitionInDouble) {
  for (const double momentum : {0.0, 0.9})
    for (const double decay : {0.0, 0.01})
      for (const bool nesterov : {false, true}) {
        if (nesterov && momentum == 0) continue;
        const auto made =
            optimizer("{\"kind\": \"sgd\", \"learning_rate\": 0.05, \"momentum\": " + std::to_string(momentum) +
                          ", \"weight_decay\": " + std::to_string(decay) +
                          ", \"nesterov\": " + (nesterov ? "true" : "false") + "}",
                      17);
        std::vector<float> x(17, 1), g(17);
        std::vector<double> exact(17, 1), v(17);
        for (int k = 0; k < 40; ++k) {
          const double scale = k < 20 ? 1 : 0.1;
          for (std::size_t i = 0; i < 17; ++i) {
            g[i] = float(std::sin(double(k) + double(i)));
            const double d = double(g[i]) + decay * exact[i];
            v[i] = k == 0 ? d : momentum * v[i] + d;
            exact[i] -= 0.05 * scale * (nesterov ? d + momentum * v[i] : v[i]);
          }
          made->step(x.data(), g.data(), x.data(), scale);
        }
        for (std::size_t i = 0; i < 17; ++i)
          EXPECT_NEAR(x[i], exact[i], 1.2e-4) << "momentum " << momentum << ", decay " << decay << ", entry " << i;
      }
}

TEST(Sgd, WritesANewVectorWithTheSameBitsAndLeavesTheOld) {
  for (const char* object : {R"({"kind": "sgd", "learning_rate": 0.1, "weight_decay": 0.01})",
                             R"({"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": true})"}) {
    std::vector<float> old(100), g(100), made(100, NAN);
    for (std::size_t i = 0; i < 100; ++i) old[i] = std::sin(float(i)), g[i] = std::cos(float(i));
    const auto kept = old;
    optimizer(object, 100)->step(old.data(), g.data(), made.data(), 1);
    EXPECT_EQ(old, kept);
    EXPECT_EQ(after(object, 1, old, g), made);
  }
}

TEST(Sgd, OfOneMakerHaveVelocitiesOfTheirOwn) {
  const auto maker = read_kind(optimizers::all(), R"({"kind": "sgd", "learning_rate": 0.25, "momentum": 0.5})");
  const float g = 1;
  float x = 0, y = 0;
  const std::vector<std::size_t> tensors{1};
  const auto one = maker.make(tensors), other = maker.make(tensors);
  one->step(&x, &g, &x, 1);
  one->step(&x, &g, &x, 1);
  other->step(&y, &g, &y, 1);
  EXPECT_EQ(y, -0.25f);
}

TEST(Sgd, SaysItsMomentumAndIsMadeWithAnother) {
  const auto plain = read_kind(optimizers::all(), R"({"kind": "sgd", "learning_rate": 0.25})");
  EXPECT_EQ(plain.momentum, 0);
  const auto other = plain.with_momentum(0.5);
  EXPECT_EQ(other.momentum, 0.5);
  float x = 0;
  const float g = 1;
  const auto made = other.make(std::vector<std::size_t>{1});
  made->step(&x, &g, &x, 1);
  made->step(&x, &g, &x, 1);
  EXPECT_EQ(x, -0.25f * 2.5f);
}

TEST(Sgd, RejectsKeysThatMakeNoSense) {
  for (const auto& [object, rule] :
       {std::pair(R"({"kind": "sgd"})", "learning_rate"),
        std::pair(R"({"kind": "sgd", "learning_rate": 0})", "/it/learning_rate"),
        std::pair(R"({"kind": "sgd", "learning_rate": 1, "momentum": 1})", "/it/momentum"),
        std::pair(R"({"kind": "sgd", "learning_rate": 1, "momentum": -0.1})", "/it/momentum"),
        std::pair(R"({"kind": "sgd", "learning_rate": 1, "nesterov": true})", "/it/nesterov"),
        std::pair(R"({"kind": "sgd", "learning_rate": 1, "weight_decay": -1})", "/it/weight_decay")})
    try {
      read_kind(optimizers::all(), object);
      ADD_FAILURE() << object << " was taken";
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find(rule), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace paceline::testing
