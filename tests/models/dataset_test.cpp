#include <gtest/gtest.h>

#include <stdexcept>

#include "sim/core/errors.hpp"
#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

struct Table {
  std::vector<float> x;
  std::vector<std::int32_t> labels;
  bool operator==(const Table&) const = default;
};

Table fetch(const Dataset& data, Part part, std::span<const std::uint32_t> rows) {
  Table table{std::vector<float>(rows.size() * std::size_t(data.shape().features)),
              std::vector<std::int32_t>(rows.size())};
  data.fetch(part, rows, table.x.data(), table.labels.data());
  return table;
}

// Facts of the files themselves, counted with another program.
TEST(FashionMnist, HasItsShapeFirstLabelsAndPixels) {
  const auto maker = read_kind(datasets::all(), R"({"kind": "fashion_mnist"})");
  const auto data = maker.load();
  for (const DataShape& shape : {maker.shape(), data->shape()}) {
    EXPECT_EQ(shape.features, 784);
    EXPECT_EQ(shape.channels, 1);
    EXPECT_EQ(shape.height, 28);
    EXPECT_EQ(shape.width, 28);
    EXPECT_EQ(shape.classes, 10);
    EXPECT_EQ(shape.train_rows, 60'000u);
    EXPECT_EQ(shape.test_rows, 10'000u);
  }
  EXPECT_EQ(fetch(*data, Part::train, sequence(10)).labels, (std::vector<std::int32_t>{9, 0, 0, 3, 0, 2, 7, 2, 5, 5}));
  EXPECT_EQ(fetch(*data, Part::test, sequence(10)).labels, (std::vector<std::int32_t>{9, 2, 1, 1, 6, 1, 4, 6, 5, 7}));
  const auto sum = [&](Part part, std::uint32_t row) {
    long bytes = 0;
    for (float pixel : fetch(*data, part, std::vector{row}).x) {
      const float byte = std::round(pixel * 255);
      EXPECT_EQ(pixel, byte / 255.0f);
      bytes += long(byte);
    }
    return bytes;
  };
  EXPECT_EQ(sum(Part::train, 0), 76'247);
  EXPECT_EQ(sum(Part::train, 1), 84'598);
  EXPECT_EQ(sum(Part::train, 59'999), 16'684);
  EXPECT_EQ(sum(Part::test, 0), 33'456);
  EXPECT_EQ(sum(Part::test, 9'999), 24'390);
}

TEST(FashionMnist, HasAsManyOfEveryClass) {
  const auto data = dataset(R"({"kind": "fashion_mnist"})");
  std::vector<int> counts(10);
  std::vector<float> x(784);
  std::int32_t label = 0;
  for (std::uint32_t row = 0; row < 10'000; ++row) {
    data->fetch(Part::test, std::span(&row, 1), x.data(), &label);
    ++counts.at(std::size_t(label));
  }
  EXPECT_EQ(counts, std::vector<int>(10, 1'000));
}

TEST(FashionMnist, IsOneValueForAllRunsOfTheProcess) {
  const auto data = dataset(R"({"kind": "fashion_mnist"})");
  EXPECT_EQ(dataset(R"({"kind": "fashion_mnist"})"), data);
}

TEST(FashionMnist, RefusesAFolderThatIsNotThere) {
  EXPECT_THROW(read_kind(datasets::all(), R"({"kind": "fashion_mnist", "path": "/nowhere/at/all"})"), ConfigError);
}

constexpr const char* small =
    R"({"kind": "blobs", "features": 3, "classes": 4, "train_rows": 100, "test_rows": 20, "seed": 1})";

TEST(Blobs, AreTheSameFromTheSameSeed) {
  EXPECT_EQ(fetch(*dataset(small), Part::train, sequence(100)), fetch(*dataset(small), Part::train, sequence(100)));
  EXPECT_EQ(dataset(small)->shape().rows(Part::train), 100u);
  EXPECT_EQ(dataset(small)->shape().rows(Part::test), 20u);
}

TEST(Blobs, TakeTheScenariosSeedUnlessGivenTheirOwn) {
  const auto labels = [](const char* object, std::uint64_t seed) {
    return fetch(*dataset(object, seed), Part::train, sequence(50));
  };
  EXPECT_FALSE(labels(R"({"kind": "blobs"})", 1) == labels(R"({"kind": "blobs"})", 2));
  EXPECT_TRUE(labels(R"({"kind": "blobs"})", 2) == labels(R"({"kind": "blobs", "seed": 2})", 1));
}

TEST(Blobs, KeepTheirRowsWhenThereAreMoreOfThem) {
  const auto more =
      dataset(R"({"kind": "blobs", "features": 3, "classes": 4, "train_rows": 150, "test_rows": 70, "seed": 1})");
  EXPECT_EQ(fetch(*dataset(small), Part::train, sequence(100)), fetch(*more, Part::train, sequence(100)));
  EXPECT_EQ(fetch(*dataset(small), Part::test, sequence(20)), fetch(*more, Part::test, sequence(20)));
}

TEST(Blobs, HaveOtherRowsToTestOn) {
  const auto data = dataset(small);
  EXPECT_FALSE(fetch(*data, Part::train, sequence(20)) == fetch(*data, Part::test, sequence(20)));
}

TEST(Blobs, ComeInTheOrderAskedForAndRefuseRowsTheyDoNotHave) {
  const auto data = dataset(small);
  const auto all = fetch(*data, Part::train, sequence(100));
  const auto some = fetch(*data, Part::train, std::vector<std::uint32_t>{99, 0, 99});
  EXPECT_EQ(some.labels, (std::vector{all.labels[99], all.labels[0], all.labels[99]}));
  EXPECT_EQ(some.x[0], all.x[297]);
  EXPECT_EQ(some.x[3], all.x[0]);
  EXPECT_THROW(fetch(*data, Part::train, sequence(1, 100)), std::out_of_range);
  EXPECT_THROW(fetch(*data, Part::test, sequence(1, 20)), std::out_of_range);
  EXPECT_THROW(fetch(*dataset(R"({"kind": "fashion_mnist"})"), Part::test, sequence(1, 10'000)), std::out_of_range);
}

// n = 20,000 rows of 8 numbers: a class is expected 5,000 ± 61 times; within clusters the variance is spread² up to
// √(2/160,000) = 0.35 %; both are given five standard deviations.
TEST(Blobs, AreClustersOfTheSpreadAskedForAndEveryClassIsAsLikely) {
  const auto data =
      dataset(R"({"kind": "blobs", "features": 8, "classes": 4, "train_rows": 20000, "spread": 0.25, "seed": 9})");
  const auto table = fetch(*data, Part::train, sequence(20'000));
  std::vector<double> count(4), mean(32);
  for (std::size_t r = 0; r < 20'000; ++r) {
    const auto label = std::size_t(table.labels[r]);
    ++count.at(label);
    for (std::size_t i = 0; i < 8; ++i) mean[label * 8 + i] += double(table.x[r * 8 + i]);
  }
  for (std::size_t label = 0; label < 4; ++label) {
    EXPECT_NEAR(count[label], 5'000, 5 * 61.3);
    for (std::size_t i = 0; i < 8; ++i) mean[label * 8 + i] /= count[label];
  }
  double squares = 0;
  for (std::size_t r = 0; r < 20'000; ++r)
    for (std::size_t i = 0; i < 8; ++i) {
      const double off = double(table.x[r * 8 + i]) - mean[std::size_t(table.labels[r]) * 8 + i];
      squares += off * off;
    }
  EXPECT_NEAR(squares / (160'000 - 32), 0.0625, 0.0625 * 5 * 0.00354);
  double spread = 0;  // of 32 standard normal centres: variance 1 ± 0.25
  for (double centre : mean) spread += centre * centre / 32;
  EXPECT_NEAR(spread, 1, 5 * 0.25);
}

TEST(Blobs, OfNoSpreadAreTheirCentres) {
  const auto data = dataset(R"({"kind": "blobs", "features": 2, "classes": 3, "train_rows": 60, "spread": 0})");
  const auto table = fetch(*data, Part::train, sequence(60));
  for (std::size_t r = 0; r < 60; ++r)
    for (std::size_t s = 0; s < r; ++s) EXPECT_EQ(table.labels[r] == table.labels[s], table.x[2 * r] == table.x[2 * s]);
}

TEST(Blobs, ThatNoMemoryHoldsAreRefused) {
  EXPECT_THROW(read_kind(datasets::all(), R"({"kind": "blobs", "features": 1000000, "train_rows": 1000000})"),
               ConfigError);
}

}  // namespace
}  // namespace paceline::testing
