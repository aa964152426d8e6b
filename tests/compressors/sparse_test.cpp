// top_k, random_k and dgc: by hand, and dgc against a second implementation.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/compressors/support.hpp"

namespace paceline::test {
namespace {

TEST(TopK, SendsTheLargestAndKeepsTheRestForLater) {
  const auto compressor = shaped({{5}}, 2).make(R"({"kind": "top_k", "ratio": 0.4})");
  EXPECT_EQ(encoded(*compressor, {1, -5, 2, 4, 3}), (Vector{0, -5, 0, 4, 0}));
  EXPECT_EQ(encoded(*compressor, {0, 1, 0, 0, 1}), (Vector{0, 0, 2, 0, 4}));
  EXPECT_EQ(encoded(*compressor, {0, 0, 0, 0, 0}), (Vector{1, 1, 0, 0, 0}));
  EXPECT_EQ(encoded(*compressor, {1, 0, 0, 0, 0}, 1), (Vector{1, 0, 0, 0, 0})) << "worker 1 has a residual of its own";
}

TEST(TopK, BreaksTiesForTheLowerIndex) {
  const auto compressor = shaped({{6}}).make(R"({"kind": "top_k", "ratio": 0.5})");
  EXPECT_EQ(encoded(*compressor, {1, -2, 2, -2, 2, 9}), (Vector{0, -2, 2, 0, 0, 9}));
  EXPECT_EQ(encoded(*shaped({{4}}).make(R"({"kind": "top_k", "ratio": 0.5})"), {-3, 3, 3, -3}), (Vector{-3, 3, 0, 0}));
}

TEST(TopK, WithoutFeedbackForgetsTheRest) {
  const auto compressor = shaped({{5}}).make(R"({"kind": "top_k", "ratio": 0.4, "error_feedback": false})");
  for (int step = 0; step < 2; ++step)
    EXPECT_EQ(encoded(*compressor, {1, -5, 2, 4, 3}), (Vector{0, -5, 0, 4, 0})) << step;
}

TEST(TopK, OfRatioOneSendsTheGradient) {
  const Target target = some_tensors();
  const auto compressor = target.make(R"({"kind": "top_k", "ratio": 1})");
  for (int step = 0; step < 3; ++step)
    EXPECT_EQ(encoded(*compressor, some_gradient(target.size, 0, step)), some_gradient(target.size, 0, step));
}

TEST(TopK, SelectsAsAFullSortDoes) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{100}, std::size_t{997}})
    for (const double ratio : {0.001, 0.013, 0.5, 0.99}) {
      Vector gradient = some_gradient(size, 0, 0);
      for (float& entry : gradient) entry = std::round(4 * entry);  // many ties, and zeros
      std::vector<std::size_t> order(size);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(),
                       [&](std::size_t a, std::size_t b) { return std::abs(gradient[a]) > std::abs(gradient[b]); });
      Vector wanted(size);
      const std::size_t k = std::max<std::size_t>(1, std::size_t(ratio * double(size)));
      for (std::size_t i = 0; i < k; ++i) wanted[order[i]] = gradient[order[i]];
      const auto compressor = shaped({{int(size)}}).make(fmt::format(R"({{"kind": "top_k", "ratio": {}}})", ratio));
      EXPECT_EQ(encoded(*compressor, gradient), wanted) << size << " " << ratio;
    }
}

TEST(RandomK, SendsKEntriesScaled) {
  const auto compressor = shaped({{10}}, 3).make(R"({"kind": "random_k", "ratio": 0.29})");
  std::vector<int> times(10);
  for (int step = 0; step < 50; ++step) {
    const Vector sent = encoded(*compressor, Vector(10, 1), step % 3, step);
    EXPECT_EQ(std::count(sent.begin(), sent.end(), 5.0f), 2);
    EXPECT_EQ(std::count(sent.begin(), sent.end(), 0.0f), 8);
    for (std::size_t i = 0; i < 10; ++i) times[i] += sent[i] != 0;
  }
  for (const int own : times) EXPECT_GT(own, 0);  // with probability 1 - 10·0.8⁵⁰
}

TEST(RandomK, WithErrorFeedbackSendsAnEntryWithAllThatWaitedThere) {
  const auto compressor = shaped({{4}}).make(R"({"kind": "random_k", "ratio": 0.25, "error_feedback": true})");
  Vector waiting(4);
  for (int step = 0; step < 20; ++step) {
    for (float& entry : waiting) ++entry;
    const Vector sent = encoded(*compressor, Vector(4, 1), 0, step);
    EXPECT_EQ(std::count(sent.begin(), sent.end(), 0.0f), 3);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(sent[i], sent[i] != 0 ? std::exchange(waiting[i], 0.0f) : 0);
  }
}

TEST(Dgc, ByHand) {
  // m = 1/2, one of three. u = (1, 2, 4) is v; 4 goes, and both are zero there. Then u = (1.5, 2, 1), v = (2.5, 4, 1).
  const auto compressor = shaped({{3}}).make(R"({"kind": "dgc", "ratio": 0.34, "momentum": 0.5})");
  EXPECT_EQ(encoded(*compressor, {1, 2, 4}), (Vector{0, 0, 4}));
  EXPECT_EQ(encoded(*compressor, {1, 1, 1}), (Vector{0, 4, 0}));
  const auto held = compressor->residual(0);
  EXPECT_EQ(Vector(held.begin(), held.end()), (Vector{2.5, 0, 1}));
  // Of four workers each clips to 10/√4 = 5: (6, 8) becomes (3, 4), and (3, 4) remains.
  const auto clipping = shaped({{2}}, 4).make(R"({"kind": "dgc", "ratio": 1, "momentum": 0, "clip": 10})");
  EXPECT_EQ(encoded(*clipping, {6, 8}), (Vector{3, 4}));
  EXPECT_EQ(encoded(*clipping, {3, 4}), (Vector{3, 4}));
}

// As in the paper, in double, sorting everything.
struct PlainDgc {
  double momentum, clip;
  int workers;
  std::vector<double> u, v;

  std::vector<double> encode(const Vector& g, std::size_t k) {
    double norm = 0;
    for (const float x : g) norm += double(x) * double(x);
    const double scale = std::min(1.0, clip / std::sqrt(workers) / std::sqrt(norm));
    u.resize(g.size()), v.resize(g.size());
    for (std::size_t i = 0; i < g.size(); ++i) u[i] = momentum * u[i] + scale * double(g[i]), v[i] += u[i];
    std::vector<std::size_t> order(g.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return std::abs(v[a]) > std::abs(v[b]); });
    std::vector<double> sent(g.size());
    for (std::size_t i = 0; i < k; ++i) sent[order[i]] = v[order[i]], v[order[i]] = u[order[i]] = 0;
    return sent;
  }
};

// An entry of v is a sum of up to 24 products, each with an error of about u = 2⁻²⁴, of up to 10 in size: 1e-5.
TEST(Dgc, IsTheSecondImplementation) {
  const Target target = some_tensors(4);
  const auto compressor =
      target.make(R"({"kind": "dgc", "ratio": 0.05, "momentum": 0.9, "clip": 41, "warmup_steps": 8})");
  std::vector<PlainDgc> plain(4,
                              PlainDgc{0.9, 41, 4, {}, {}});  // norms are about √421 = 20.5: half of them are clipped
  const std::vector<std::size_t> k{105, 105, 26, 26, 6, 6, 1, 1};
  for (std::size_t step = 0; step < 24; ++step)
    for (int w = 0; w < 4; ++w) {
      const Vector gradient = some_gradient(target.size, w, int(step));
      const Vector sent = encoded(*compressor, gradient, w, std::int64_t(step));
      const auto wanted = plain[std::size_t(w)].encode(gradient, step < 8 ? k[step] : 21);
      for (std::size_t i = 0; i < target.size; ++i) {
        ASSERT_EQ(sent[i] != 0, wanted[i] != 0) << "step " << step << " entry " << i;
        ASSERT_NEAR(sent[i], wanted[i], 1e-5) << "step " << step << " entry " << i;
        ASSERT_NEAR(compressor->residual(w)[i], plain[std::size_t(w)].v[i], 1e-5) << "step " << step << " entry " << i;
      }
    }
}

TEST(SparseKinds, RefuseWhatMakesNoSense) {
  const auto complaint = [](std::string_view object) {
    try {
      compressor_maker(object);
    } catch (const ConfigError& error) { return std::string(error.what()); }
    return std::string("nothing");
  };
  EXPECT_NE(complaint(R"({"kind": "top_k"})").find("missing key \"ratio\""), std::string::npos);
  EXPECT_NE(complaint(R"({"kind": "top_k", "ratio": 0})").find("must be above 0"), std::string::npos);
  EXPECT_NE(complaint(R"({"kind": "top_k", "ratio": 1.5})").find("at most 1"), std::string::npos);
  EXPECT_NE(complaint(R"({"kind": "dgc", "ratio": 0.1, "momentum": 1})").find("/it/momentum: must be below 1"),
            std::string::npos);
}

}  // namespace
}  // namespace paceline::test
