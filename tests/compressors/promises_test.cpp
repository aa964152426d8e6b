// What every compressor promises, over the registry.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/compressors/support.hpp"

namespace paceline::test {
namespace {

struct Configured {
  std::string object;
  CompressorMaker maker;
};

std::vector<Configured> all_compressors() {
  std::vector<Configured> all;
  for (const std::string& kind : compressors::all().kinds()) {
    if (kind == "none") continue;
    const auto objects = compressor_configurations(kind);
    EXPECT_FALSE(objects.empty()) << "the tests know no configuration of " << kind;
    for (const std::string& object : objects) all.push_back({object, compressor_maker(object)});
  }
  return all;
}

bool same_bits(const Vector& a, const Vector& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Compressors, NoneCompressesNothing) {
  const CompressorMaker none = compressors::all().named("none");
  EXPECT_FALSE(none.make);
  EXPECT_EQ(none.carriage, Carriage::summed);
  EXPECT_TRUE(none.piecewise);
  EXPECT_EQ(none.time, 0);
}

TEST(Compressors, AreCalledAsTheyAreRegisteredAndMayTakeTime) {
  for (const auto& [object, maker] : all_compressors()) {
    EXPECT_NE(object.find("\"" + maker.name + "\""), std::string::npos) << object;
    EXPECT_TRUE(maker.make) << object;
    EXPECT_EQ(maker.time, 0) << object;
    EXPECT_EQ(compressor_maker(object.substr(0, object.size() - 1) + R"(, "time": "3ms"})").time, 0.003) << object;
  }
}

TEST(Compressors, TravelAsTheyDo) {
  const std::set<std::string> summed{"fp16", "bf16", "random_k", "power_sgd"};
  const std::set<std::string> piecewise{"fp16", "bf16", "sign_majority", "qsgd", "terngrad"};
  const std::set<std::string> holding_back{"top_k", "ef_sign", "power_sgd", "dgc"};
  for (const auto& [object, maker] : all_compressors()) {
    EXPECT_EQ(maker.carriage == Carriage::summed, summed.contains(maker.name)) << object;
    EXPECT_EQ(maker.piecewise, piecewise.contains(maker.name)) << object;
    const bool feedback = object.find("error_feedback") != std::string::npos;
    EXPECT_EQ(maker.keeps_residual, holding_back.contains(maker.name) || feedback) << object;
  }
}

// Σ sent + e = Σ g. In a step e + g is rounded up to twice, and what remains of it once: with unit roundoff u that is
// at most 2u|e + g| + u(|e + g| + |sent|) an entry.
TEST(Compressors, LoseNothingThatTheyHoldBack) {
  const Target target = some_tensors(2);
  for (const auto& [object, maker] : all_compressors()) {
    SCOPED_TRACE(object);
    const auto compressor = target.make(object);
    std::vector<double> balance(target.size), bound(target.size);  // of worker 1
    for (int step = 0; step < 12; ++step) {
      const Vector gradient = some_gradient(target.size, 1, step);
      const Vector held(compressor->residual(1).begin(), compressor->residual(1).end());
      encoded(*compressor, some_gradient(target.size, 0, step), 0, step);  // another's must not matter
      const Vector sent = encoded(*compressor, gradient, 1, step);
      for (std::size_t i = 0; i < target.size; ++i) {
        balance[i] += double(gradient[i]) - double(sent[i]);
        const double whole = std::abs(held.empty() ? 0 : double(held[i])) + std::abs(double(gradient[i]));
        bound[i] += 0x1p-24 * (3 * whole + std::abs(double(sent[i])));
      }
    }
    ASSERT_EQ(compressor->residual(1).size(), maker.keeps_residual ? target.size : 0);
    for (std::size_t i = 0; i < compressor->residual(1).size(); ++i)
      EXPECT_NEAR(compressor->residual(1)[i], balance[i], bound[i]) << "entry " << i;
  }
}

// Σ result + Σ weight · e = Σ Σ weight · g, where the N products and sums of the mean are rounded, too.
TEST(Compressors, LoseNothingAmongAllWorkers) {
  const std::vector<double> weights{0.5, 0.125, 0.375};
  const Target target = some_tensors(3);
  for (const auto& [object, maker] : all_compressors()) {
    if (!maker.keeps_residual) continue;
    SCOPED_TRACE(object);
    const auto compressor = target.make(object);
    std::vector<double> balance(target.size), bound(target.size);
    for (int step = 0; step < 12; ++step) {
      std::vector<Vector> gradients;
      for (int w = 0; w < 3; ++w) gradients.push_back(some_gradient(target.size, w, step));
      for (int w = 0; w < 3; ++w)
        for (std::size_t i = 0; i < target.size; ++i) {
          const double g = double(gradients[std::size_t(w)][i]), weight = weights[std::size_t(w)];
          const double held = step == 0 ? 0 : double(compressor->residual(w)[i]);
          balance[i] += weight * g;
          bound[i] += 0x1p-24 * (3 + 2 * 3) * weight * (std::abs(held) + std::abs(g));
        }
      const Vector result = reduced(*compressor, step, gradients, weights);
      for (std::size_t i = 0; i < target.size; ++i) {
        balance[i] -= double(result[i]);
        bound[i] += 0x1p-24 * (1 + 2 * 3) * std::abs(double(result[i]));
      }
    }
    for (std::size_t i = 0; i < target.size; ++i) {
      double held = 0;
      for (int w = 0; w < 3; ++w) held += weights[std::size_t(w)] * double(compressor->residual(w)[i]);
      EXPECT_NEAR(held, balance[i], bound[i]) << "entry " << i;
    }
  }
}

TEST(Compressors, ReduceToWhatTheyCombineOfWhatEachSends) {
  const std::vector<double> weights{0.25, 0.75};
  const Target target = some_tensors(2);
  for (const auto& [object, maker] : all_compressors()) {
    if (maker.name == "power_sgd") continue;  // all workers have one P and one Q
    SCOPED_TRACE(object);
    const auto jointly = target.make(object), singly = target.make(object);
    for (int step = 0; step < 3; ++step) {
      const std::vector<Vector> gradients{some_gradient(target.size, 0, step), some_gradient(target.size, 1, step)};
      std::vector<Vector> sent;
      for (int w : {1, 0}) sent.insert(sent.begin(), encoded(*singly, gradients[std::size_t(w)], w, step));
      Vector result(target.size);
      singly->combine(std::vector<const float*>{sent[0].data(), sent[1].data()}, weights, result);
      EXPECT_TRUE(same_bits(reduced(*jointly, step, gradients, weights), result)) << "step " << step;
      if (maker.name == "sign_majority") continue;
      for (std::size_t i = 0; i < target.size; ++i)
        EXPECT_NEAR(result[i], 0.25f * sent[0][i] + 0.75f * sent[1][i],
                    1e-6 * (std::abs(sent[0][i]) + std::abs(sent[1][i])));
    }
  }
}

TEST(Compressors, DoTheSameAgain) {
  const Target target = some_tensors(2);
  for (const auto& [object, maker] : all_compressors()) {
    std::vector<Vector> first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      const auto compressor = target.make(object);
      for (int step = 0; step < 4; ++step) {
        const std::vector<Vector> gradients{some_gradient(target.size, 0, step), some_gradient(target.size, 1, step)};
        const Vector result = reduced(*compressor, step, gradients, {0.5, 0.5});
        if (repeat == 0) first.push_back(result);
        else EXPECT_TRUE(same_bits(result, first[std::size_t(step)])) << object << " step " << step;
      }
    }
  }
}

TEST(Compressors, MakeNothingOfNothing) {
  const Target target = some_tensors();
  const Vector zero(target.size), gradient = some_gradient(target.size, 0, 1);
  for (const auto& [object, maker] : all_compressors()) {
    const auto compressor = target.make(object), fresh = target.make(object);
    EXPECT_EQ(encoded(*compressor, zero, 0, 0), zero) << object;
    EXPECT_TRUE(same_bits(encoded(*compressor, gradient, 0, 1), encoded(*fresh, gradient, 0, 1)))
        << object << ": zeros have left something behind";
  }
}

// random_k sends an entry once in five steps: that it never does in 200 has a probability of 4e-20.
TEST(Compressors, ShowThatARunHasDiverged) {
  const Target target = some_tensors();
  for (const auto& [object, maker] : all_compressors())
    for (const float bad : {NAN, INFINITY, -INFINITY})
      for (const std::size_t place : {std::size_t{0}, std::size_t{245}, target.size - 1}) {
        const auto compressor = target.make(object);
        Vector gradient = some_gradient(target.size, 0, 0);
        gradient[place] = bad;
        bool shown = false;
        for (int step = 0; step < (maker.name == "random_k" ? 200 : 1) && !shown; ++step) {
          const Vector result = reduced(*compressor, step, {gradient}, {1});
          shown = !std::all_of(result.begin(), result.end(), [](float x) { return std::isfinite(x); });
        }
        EXPECT_TRUE(shown) << object << ": " << bad << " at " << place;
      }
}

TEST(Compressors, SurviveTheLargestAndTheSmallestNumbers) {
  const Target target = some_tensors();
  for (const auto& [object, maker] : all_compressors())
    for (const float size : {3e38f, 1e-38f, 1e-45f}) {
      Vector gradient = some_gradient(target.size, 0, 0);
      for (float& entry : gradient) entry = std::copysign(size, entry);
      const auto compressor = target.make(object);
      for (int step = 0; step < 3; ++step) {
        const Vector result = reduced(*compressor, step, {gradient}, {1});
        if (size > 1) continue;
        for (const float entry : result) EXPECT_TRUE(std::isfinite(entry)) << object;
      }
    }
}

TEST(Compressors, AreMadeForAClockWithoutNumerics) {
  for (const auto& [object, maker] : all_compressors()) {
    const auto compressor = maker.make({{}, 0, 1e6, 4, 1});
    double sum = 0;
    for (const double bytes : compressor->bytes(0)) sum += bytes;
    EXPECT_GT(sum, 0) << object;
    EXPECT_LE(sum, 8e6) << object;
  }
}

}  // namespace
}  // namespace paceline::test
