// Partitions: every row is one worker's, sizes as asked for, label proportions of the distribution they are drawn from.
#include "models/partition.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/core/errors.hpp"
#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

// Labels 0, 1, …, classes − 1 over and over.
struct Labels {
  explicit Labels(std::size_t count, int of_classes) : classes(of_classes) {
    for (std::size_t row = 0; row < count; ++row) labels.push_back(std::int32_t(row % std::size_t(classes)));
  }
  int classes;
  std::vector<std::int32_t> labels;
};

Shares split(std::string_view object, const Labels& rows, int workers, std::uint64_t seed = 1) {
  Node node = parse_document("{\"it\": " + std::string(object) + "}", "test");
  Reader::Context context;
  context.workers = workers;
  const auto maker = Reader(node, "", context).kind("it", partitions::all(), {});
  std::vector<double> speeds;
  for (int w = 0; w < workers; ++w) speeds.push_back(1e12 * (1 + w));
  return maker.split({rows.labels.size(), workers, seed, rows.classes, rows.labels, speeds});
}

std::vector<std::size_t> sizes(const Shares& shares) {
  std::vector<std::size_t> made;
  for (const auto& share : shares) made.push_back(share.size());
  return made;
}

std::vector<std::size_t> counts(const std::vector<std::uint32_t>& share, const Labels& rows) {
  std::vector<std::size_t> made(std::size_t(rows.classes));
  for (std::uint32_t row : share) ++made[std::size_t(rows.labels[row])];
  return made;
}

const std::vector<std::string> rules{
    R"({"kind": "iid"})",
    R"({"kind": "by_label"})",
    R"({"kind": "by_label", "shards_per_worker": 5})",
    R"({"kind": "dirichlet", "alpha": 1e-6})",
    R"({"kind": "dirichlet", "alpha": 0.1})",
    R"({"kind": "dirichlet", "alpha": 1})",
    R"({"kind": "dirichlet", "alpha": 1e9})",
    R"({"kind": "proportional"})",
};

TEST(Partitions, GiveEachRowToOneWorkerAndEachWorkerARow) {
  std::vector<std::string> all = rules;
  all.emplace_back();
  for (const auto& [workers, count] : {std::pair(1, 100), {7, 100}, {7, 7}, {20, 1003}, {100, 1000}}) {
    const Labels rows(std::size_t(count), 10);
    std::string weights;
    for (int w = 0; w < workers; ++w) weights += (w ? ", " : "") + fmt::format("{}", w % 3 == 0 ? 1e-9 : 1.0 + w);
    all.back() = R"({"kind": "weighted", "weights": [)" + weights + "]}";
    for (const std::string& rule : all) {
      SCOPED_TRACE(fmt::format("{} of {} rows to {} workers", rule, count, workers));
      if (rule.find("by_label") != rule.npos && workers * 5 > count) continue;
      const Shares shares = split(rule, rows, workers);
      ASSERT_EQ(shares.size(), std::size_t(workers));
      std::vector<int> taken(rows.labels.size());
      for (const auto& share : shares) {
        EXPECT_FALSE(share.empty());
        EXPECT_TRUE(std::is_sorted(share.begin(), share.end()));
        for (std::uint32_t row : share) ++taken.at(row);
      }
      EXPECT_EQ(taken, std::vector<int>(rows.labels.size(), 1));
    }
  }
}

TEST(Partitions, AreTheSameFromTheSameSeedAndOthersFromAnother) {
  const Labels rows(500, 10);
  for (const std::string& rule : rules) {
    EXPECT_EQ(split(rule, rows, 8, 3), split(rule, rows, 8, 3)) << rule;
    EXPECT_NE(split(rule, rows, 8, 3), split(rule, rows, 8, 4)) << rule;
  }
}

TEST(Partitions, HaveTheSizesAskedFor) {
  const Labels rows(100, 10);
  EXPECT_EQ(sizes(split(R"({"kind": "iid"})", rows, 3)), (std::vector<std::size_t>{34, 33, 33}));
  EXPECT_EQ(sizes(split(R"({"kind": "weighted", "weights": [1, 1, 3]})", rows, 3)),
            (std::vector<std::size_t>{20, 20, 60}));
  EXPECT_EQ(sizes(split(R"({"kind": "weighted", "weights": [1e-12, 1, 1e-12]})", rows, 3)),
            (std::vector<std::size_t>{1, 98, 1}));
  EXPECT_EQ(sizes(split(R"({"kind": "proportional"})", rows, 4)), (std::vector<std::size_t>{10, 20, 30, 40}));
  EXPECT_EQ(sizes(split(R"({"kind": "dirichlet", "alpha": 0.1})", rows, 8)),
            (std::vector<std::size_t>{12, 13, 12, 13, 12, 13, 12, 13}));
}

// 300 shards of 200 rows each of 10 labels with 6,000 rows: a shard has one label.
TEST(ByLabel, GivesAWorkerAtMostAsManyLabelsAsShards) {
  const Labels rows(60'000, 10);
  for (const int shards : {1, 2, 3}) {
    const Shares made = split(fmt::format(R"({{"kind": "by_label", "shards_per_worker": {}}})", shards), rows, 100);
    for (const auto& share : made) {
      const auto labels = counts(share, rows);
      EXPECT_LE(std::count_if(labels.begin(), labels.end(), [](std::size_t n) { return n > 0; }), shards);
      EXPECT_EQ(share.size(), 600u);
    }
  }
}

TEST(Dirichlet, LargeAlphaIsTheProportionsOfAllAndTinyAlphaOneLabelEach) {
  const Labels rows(60'000, 10);
  for (const auto& share : split(R"({"kind": "dirichlet", "alpha": 1e9})", rows, 20))
    for (std::size_t n : counts(share, rows)) EXPECT_NEAR(double(n), 300, 2);
  const Shares tiny = split(R"({"kind": "dirichlet", "alpha": 1e-6})", rows, 20);
  const auto first = counts(tiny[0], rows);
  EXPECT_EQ(*std::max_element(first.begin(), first.end()), 3'000u);
}

// q ~ Dirichlet(αp): E q = p, Var q = p(1 − p)/(α + 1), Cov(q, r) = −pr/(α + 1). Of n draws the mean is √(Var/n) off
// and the variance √((κ − Var²)/n), κ the fourth central moment of the Beta distribution that q has; four of them are
// given.
TEST(Dirichlet, DrawsHaveItsMeanAndVariance) {
  constexpr std::size_t n = 40'000;
  const std::vector<double> p{0.5, 0.3, 0.15, 0.05};
  for (const double alpha : {0.1, 1.0, 10.0, 1'000.0}) {
    std::vector<double> parameters;
    for (double each : p) parameters.push_back(alpha * each);
    std::vector<std::vector<double>> q;
    for (std::size_t i = 0; i < n; ++i) {
      q.push_back(dirichlet_draw(parameters, Stream(7, "test", i)));
      EXPECT_NEAR(std::accumulate(q.back().begin(), q.back().end(), 0.0), 1, 1e-12);
    }
    for (std::size_t c = 0; c < p.size(); ++c) {
      const double a = parameters[c], b = alpha - a, var = a * b / (alpha * alpha * (alpha + 1));
      const double excess =
          6 * ((a - b) * (a - b) * (alpha + 1) - a * b * (alpha + 2)) / (a * b * (alpha + 2) * (alpha + 3));
      double mean = 0, spread = 0;
      for (const auto& each : q) mean += each[c] / n;
      for (const auto& each : q) spread += (each[c] - p[c]) * (each[c] - p[c]) / n;
      EXPECT_NEAR(mean, p[c], 4 * std::sqrt(var / n)) << "alpha " << alpha << ", class " << c;
      EXPECT_NEAR(spread, var, 4 * var * std::sqrt((excess + 2) / n)) << "alpha " << alpha << ", class " << c;
    }
  }
}

TEST(Dirichlet, TinyParametersStillLeaveOneEntryOfOne) {
  for (std::size_t i = 0; i < 200; ++i) {
    const auto q = dirichlet_draw(std::vector<double>(10, 1e-7), Stream(1, "test", i));
    EXPECT_NEAR(*std::max_element(q.begin(), q.end()), 1, 1e-9);
  }
}

TEST(Apportion, IsByLargestRemainder) {
  EXPECT_EQ(apportion(10, std::vector<double>{1, 1, 1}), (std::vector<std::size_t>{4, 3, 3}));
  EXPECT_EQ(apportion(7, std::vector<double>{0.5, 0.3, 0.2}), (std::vector<std::size_t>{4, 2, 1}));
  EXPECT_EQ(apportion(3, std::vector<double>{0, 1, 0}), (std::vector<std::size_t>{0, 3, 0}));
  EXPECT_EQ(apportion(0, std::vector<double>{1, 2}), (std::vector<std::size_t>{0, 0}));
}

TEST(Partitions, TrainingLabelsAreThoseOfTheRows) {
  const auto data = dataset(R"({"kind": "blobs", "features": 3, "classes": 4, "train_rows": 2345})");
  const auto labels = training_labels(*data);
  ASSERT_EQ(labels.size(), 2345u);
  const auto rows = sequence(2345);
  std::vector<float> x(2345 * 3);
  std::vector<std::int32_t> expected(2345);
  data->fetch(Part::train, rows, x.data(), expected.data());
  EXPECT_EQ(labels, expected);
}

TEST(Partitions, RejectWhatCannotBe) {
  const auto error = [](std::string_view object, int workers) -> std::string {
    try {
      split(object, Labels(30, 10), workers);
    } catch (const ConfigError& made) { return made.what(); }
    return "no error";
  };
  EXPECT_NE(error(R"({"kind": "weighted"})", 3).find("must list a number for each of 3 workers, not 0"),
            std::string::npos);
  EXPECT_NE(
      error(R"({"kind": "weighted", "weights": [1, 2]})", 3).find("/it/weights: must list a number for each of 3"),
      std::string::npos);
  EXPECT_NE(error(R"({"kind": "weighted", "weights": [1, 0]})", 2).find("/it/weights/1: must be above 0, not 0"),
            std::string::npos);
  EXPECT_NE(error(R"({"kind": "by_label"})", 16).find("16 workers with 2 shards need as many rows; there are 30"),
            std::string::npos);
  EXPECT_NE(error(R"({"kind": "dirichlet", "alpha": 0})", 2).find("/it/alpha"), std::string::npos);
  const auto maker = read_kind(partitions::all(), R"({"kind": "by_label"})");
  EXPECT_THROW(maker.split({10, 2, 1, 0, {}, {}}), ConfigError);
}

}  // namespace
}  // namespace paceline::testing
