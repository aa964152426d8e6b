// Data sets that are read from files made here, right ones and spoiled ones of every sort; and spirals.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "sim/core/errors.hpp"
#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

class Folder : public ::testing::Test {
 protected:
  void SetUp() override {
    static int count = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("paceline-data-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string put(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
    return (folder_ / name).string();
  }
  // The message of the ConfigError that reading it all must throw.
  static std::string error_of(const std::string& object) {
    try {
      const auto maker = read_kind(datasets::all(), object);
      maker.shape();
      maker.load();
    } catch (const ConfigError& error) { return error.what(); }
    return "no error";
  }
  std::filesystem::path folder_;
};

struct Fetched {
  std::vector<float> x;
  std::vector<std::int32_t> labels;
};

Fetched fetch(const Dataset& data, Part part) {
  const std::size_t count = data.shape().rows(part);
  Fetched all{std::vector<float>(count * std::size_t(data.shape().features)), std::vector<std::int32_t>(count)};
  data.fetch(part, sequence(count), all.x.data(), all.labels.data());
  return all;
}

// MNIST's files are those of Fashion-MNIST, whose tests spoil them (idx_test.cpp).

using MnistData = Folder;

std::string idx(const std::vector<unsigned>& sizes, const std::string& data) {
  std::string file{0, 0, 8, char(sizes.size())};
  for (unsigned size : sizes) file += std::string{0, 0, char(size >> 8), char(size)};
  return file + data;
}

TEST_F(MnistData, IsReadFromItsFourFiles) {
  put("train-images-idx3-ubyte", idx({2, 1, 2}, {0, 51, 102, char(255)}));
  put("train-labels-idx1-ubyte", idx({2}, {4, 9}));
  put("t10k-images-idx3-ubyte", idx({1, 1, 2}, {1, 2}));
  put("t10k-labels-idx1-ubyte", idx({1}, {0}));
  const auto data = dataset("{\"kind\": \"mnist\", \"path\": \"" + folder_.string() + "\"}");
  EXPECT_EQ(data->shape().features, 2);
  const Fetched train = fetch(*data, Part::train);
  EXPECT_EQ(train.labels, (std::vector<std::int32_t>{4, 9}));
  EXPECT_EQ(train.x, (std::vector<float>{0, 51 / 255.0f, 102 / 255.0f, 1}));
}

TEST_F(MnistData, NamesWhatIsMissing) {
  EXPECT_NE(error_of(R"({"kind": "mnist"})").find("missing: the folder of MNIST's four IDX files"), std::string::npos);
  EXPECT_NE(error_of("{\"kind\": \"mnist\", \"path\": \"" + folder_.string() + "\"}")
                .find("/it/path: MNIST is not there: no train-images-idx3-ubyte.gz in " + folder_.string()),
            std::string::npos);
}

class Cifar10 : public Folder {
 protected:
  // Each byte of a picture is its label plus its colour, so that the order of the planes shows.
  static std::string record(int label) {
    std::string made{char(label)};
    for (int colour = 0; colour < 3; ++colour) made += std::string(1024, char(10 * label + colour));
    return made;
  }
  void SetUp() override {
    Folder::SetUp();
    for (int batch = 1; batch <= 5; ++batch)
      put(fmt::format("data_batch_{}.bin", batch), record(batch) + record(batch + 1));
    put("test_batch.bin", record(9));
    object_ = "{\"kind\": \"cifar10\", \"path\": \"" + folder_.string() + "\"}";
  }
  std::string object_;
};

TEST_F(Cifar10, HasItsShapeLabelsAndPlanes) {
  const auto maker = read_kind(datasets::all(), object_);
  const auto data = maker.load();
  for (const DataShape& shape : {maker.shape(), data->shape()}) {
    EXPECT_EQ(shape.channels, 3);
    EXPECT_EQ(shape.height, 32);
    EXPECT_EQ(shape.width, 32);
    EXPECT_EQ(shape.features, 3'072);
    EXPECT_EQ(shape.classes, 10);
    EXPECT_EQ(shape.train_rows, 10u);
    EXPECT_EQ(shape.test_rows, 1u);
  }
  EXPECT_EQ(fetch(*data, Part::train).labels, (std::vector<std::int32_t>{1, 2, 2, 3, 3, 4, 4, 5, 5, 6}));
  const Fetched test = fetch(*data, Part::test);
  for (std::size_t i = 0; i < 3'072; ++i) ASSERT_EQ(test.x[i], float(90 + i / 1'024) / 255.0f) << i;
  EXPECT_EQ(maker.load(), data);  // one value for all
}

TEST_F(Cifar10, RefusesSpoiledFilesByName) {
  const std::string path = (folder_ / "data_batch_3.bin").string();
  put("data_batch_3.bin", record(1).substr(1));
  EXPECT_EQ(error_of(object_), path + ": has 3072 bytes, which are not whole records of 3073");
  put("data_batch_3.bin", "");
  EXPECT_EQ(error_of(object_), path + ": has 0 bytes, which are not whole records of 3073");
  put("data_batch_3.bin", record(1) + record(10));
  EXPECT_EQ(error_of(object_), path + ": has label 10 at record 1; there are 10 classes");
  std::filesystem::remove(path);
  EXPECT_NE(error_of(object_).find("/it/path: CIFAR-10 is not there: no data_batch_3.bin in"), std::string::npos);
  EXPECT_NE(error_of(R"({"kind": "cifar10"})").find("missing: the folder"), std::string::npos);
}

class CsvData : public Folder {
 protected:
  std::string object(const std::string& text, const std::string& keys = "") const {
    return "{\"kind\": \"csv\", \"path\": \"" + put("table.csv", text) + "\"" + keys + "}";
  }
  // Rows of both parts, as "label: numbers", sorted.
  std::multiset<std::string> rows(const std::string& text, const std::string& keys = "") const {
    const auto data = dataset(object(text, keys));
    std::multiset<std::string> made;
    const auto width = std::size_t(data->shape().features);
    for (Part part : {Part::train, Part::test}) {
      const Fetched all = fetch(*data, part);
      for (std::size_t row = 0; row < all.labels.size(); ++row)
        made.insert(
            fmt::format("{}: {}", all.labels[row], fmt::join(std::span(all.x).subspan(row * width, width), " ")));
    }
    return made;
  }
  std::string error(const std::string& text, const std::string& keys = "") const {
    const std::string made = error_of(object(text, keys)), path = (folder_ / "table.csv").string();
    return made.starts_with(path) ? made.substr(path.size()) : made;
  }
};

using Rows = std::multiset<std::string>;

TEST_F(CsvData, ReadsNumbersAndLabelsFromTheirColumns) {
  const Rows expected{"0: 1 2", "1: 3 4.5", "0: -5 60000000000"};
  EXPECT_EQ(rows("a,b,kind\n1,2,cat\n3,4.5,dog\n-5,6e10,cat\n"), expected);
  EXPECT_EQ(rows("a,kind,b\r\n1,cat,2\r\n3,dog,4.5\r\n\r\n-5,cat,6e10", R"(, "label": "kind")"), expected);
  EXPECT_EQ(rows("cat,1,2\ndog,3,4.5\ncat,-5,6e10\n", R"(, "label": "0", "header": false)"), expected);
  EXPECT_EQ(
      rows("\xEF\xBB\xBF\"a, or b\",c,\"kind\"\n 1 ,2,\"a \"\"cat\"\"\"\n3,4.5,dog\n\"-5\",6e10,\"a \"\"cat\"\"\"\n"),
      expected);
}

TEST_F(CsvData, ClassesAreIntegersInOrderOrTextsInOrder) {
  EXPECT_EQ(rows("x,y\n1,10\n2,9\n3,-1\n4,9\n"), (Rows{"2: 1", "1: 2", "0: 3", "1: 4"}));
  EXPECT_EQ(rows("x,y\n1,10\n2,9\n3,b\n4,9\n"), (Rows{"0: 1", "1: 2", "2: 3", "1: 4"}));
}

TEST_F(CsvData, ARandomShareIsForTesting) {
  std::string text = "x,y\n";
  for (int row = 0; row < 1'000; ++row) text += fmt::format("{},{}\n", row, row / 500);
  const auto data = dataset(object(text, R"(, "test_share": 0.25)"), 3);
  EXPECT_EQ(data->shape().train_rows, 750u);
  EXPECT_EQ(data->shape().test_rows, 250u);
  const Fetched train = fetch(*data, Part::train), test = fetch(*data, Part::test);
  EXPECT_TRUE(std::is_sorted(train.x.begin(), train.x.end()));
  const auto second_half = std::count(test.labels.begin(), test.labels.end(), 1);
  EXPECT_NEAR(double(second_half), 125, 4 * std::sqrt(250 * 0.25 * 0.75));  // hypergeometric
  EXPECT_EQ(fetch(*dataset(object(text, R"(, "test_share": 0.25, "seed": 3)"), 9), Part::test).x, test.x);
  EXPECT_NE(fetch(*dataset(object(text, R"(, "test_share": 0.25, "seed": 4)"), 9), Part::test).x, test.x);
  EXPECT_EQ(dataset(object(text, R"(, "test_share": 1)"))->shape().train_rows, 1u);
  EXPECT_EQ(dataset(object(text, R"(, "test_share": 1e-9)"))->shape().test_rows, 1u);
}

TEST_F(CsvData, RefusesSpoiledFilesByLineAndColumn) {
  EXPECT_EQ(error("a,b,y\n1,2,0\n1,,1\n"), ":3:3: a value is missing");
  EXPECT_EQ(error("a,b,y\n1,2,0\n1,2,\n"), ":3:5: a value is missing");
  EXPECT_EQ(error("a,b,y\n1,2,0\n1,2\n"), ":3:3: has 2 cells; the lines before have 3");
  EXPECT_EQ(error("a,b,y\n1,2,0\n1,2,3,4\n"), ":3:7: has 4 cells; the lines before have 3");
  EXPECT_EQ(error("a,b,y\n1,2,0\n1,two,1\n"), ":3:3: must be a finite number, not \"two\"");
  EXPECT_EQ(error("a,b,y\n1,inf,0\n"), ":2:3: must be a finite number, not \"inf\"");
  EXPECT_EQ(error("a,b,y\n1,1e99,0\n"), ":2:3: must be a finite number, not \"1e99\"");
  EXPECT_EQ(error("a,b,y\n1,\"2,0\n"), ":2:3: a quote that is not closed");
  EXPECT_EQ(error("y\n1\n"), ":1:1: has one column; a table needs labels and at least a number besides");
  EXPECT_EQ(error(""), ": has no lines");
  EXPECT_EQ(error("a,y\n1,0\n"), ": has fewer than two rows: one to train on and one to test on");
  EXPECT_EQ(error("a,y\n1,0\n2,0\n"), ": has 1 classes; there must be 2 to 65536");
}

TEST_F(CsvData, RefusesColumnsAndFilesThatAreNotThere) {
  EXPECT_NE(
      error("age,kind\n1,0\n2,1\n", R"(, "label": "kinds")").find("; did you mean \"kind\"? There are: age, kind"),
      std::string::npos);
  EXPECT_NE(error("a,y\n1,0\n2,1\n", R"(, "label": "2")").find("there is no column 2"), std::string::npos);
  EXPECT_NE(error("1,0\n2,1\n", R"(, "label": "y", "header": false)").find("must be the number of a column, from 0"),
            std::string::npos);
  EXPECT_NE(error_of(R"({"kind": "csv"})").find("missing: a file of comma-separated values"), std::string::npos);
  EXPECT_NE(error_of(R"({"kind": "csv", "path": "/nowhere.csv"})").find("no such file or folder"), std::string::npos);
}

constexpr const char* arms =
    R"({"kind": "spirals", "classes": 3, "turns": 2, "noise": 0, "rows": 500, "test_rows": 60, "seed": 1})";

TEST(Spirals, LieOnTheirArms) {
  const auto data = dataset(arms);
  EXPECT_EQ(data->shape().features, 2);
  EXPECT_EQ(data->shape().test_rows, 60u);
  std::set<std::int32_t> seen;
  const Fetched all = fetch(*data, Part::train);
  for (std::size_t row = 0; row < 500; ++row) {
    const double x = double(all.x[2 * row]), y = double(all.x[2 * row + 1]), r = std::hypot(x, y);
    const double turns = std::atan2(y, x) / (2 * M_PI) - 2 * r - all.labels[row] / 3.0;
    EXPECT_LE(r, 1);
    if (r > 1e-3) { EXPECT_NEAR(turns, std::round(turns), 1e-4); }
    seen.insert(all.labels[row]);
  }
  EXPECT_EQ(seen, (std::set<std::int32_t>{0, 1, 2}));
}

TEST(Spirals, KeepTheirRowsWhenThereAreMoreOfThem) {
  const auto more = dataset(R"({"kind": "spirals", "classes": 3, "turns": 2, "noise": 0, "rows": 900, "seed": 1})");
  const Fetched few = fetch(*dataset(arms), Part::train);
  Fetched same = fetch(*more, Part::train);
  same.x.resize(1'000);
  same.labels.resize(500);
  EXPECT_EQ(few.x, same.x);
  EXPECT_EQ(few.labels, same.labels);
  EXPECT_NE(fetch(*more, Part::test).x, fetch(*dataset(R"({"kind": "spirals"})", 2), Part::test).x);
}

// 10,000 rows of two numbers: the mean square of the noise is 0.25 ± √(2/20,000) · 0.25.
TEST(Spirals, HaveTheNoiseAskedFor) {
  const auto clean = fetch(*dataset(R"({"kind": "spirals", "noise": 0})", 5), Part::train);
  const auto noisy = fetch(*dataset(R"({"kind": "spirals", "noise": 0.5})", 5), Part::train);
  double squares = 0;
  for (std::size_t i = 0; i < 20'000; ++i)
    squares += (double(noisy.x[i]) - double(clean.x[i])) * (double(noisy.x[i]) - double(clean.x[i]));
  EXPECT_NEAR(squares / 20'000, 0.25, 4 * std::sqrt(2 / 20'000.0) * 0.25);
}

}  // namespace
}  // namespace paceline::testing
