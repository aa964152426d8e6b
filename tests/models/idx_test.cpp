// What can be wrong with a folder of IDX files: each is refused with the name of the file.
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>

#include "sim/core/errors.hpp"
#include "sim/core/random.hpp"
#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

using Bytes = std::string;

Bytes idx(const std::vector<std::uint32_t>& sizes, Bytes data, char type = 8) {
  Bytes file{0, 0, type, char(sizes.size())};
  for (std::uint32_t size : sizes)
    for (unsigned shift : {24u, 16u, 8u, 0u}) file += char(size >> shift);
  return file + data;
}

// A folder of five images of 2×3 to train on and two to test on, plain, until a test spoils it.
class IdxFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    static int count = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("paceline-idx-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(folder_);
    put("train-images-idx3-ubyte", idx({5, 2, 3}, pixels(30)));
    put("train-labels-idx1-ubyte", idx({5}, {9, 0, 3, 3, 1}));
    put("t10k-images-idx3-ubyte", idx({2, 2, 3}, pixels(12)));
    put("t10k-labels-idx1-ubyte", idx({2}, {7, 2}));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static Bytes pixels(int count) {
    Bytes made;
    for (int i = 0; i < count; ++i) made += char(i * 8);
    return made;
  }
  void put(const std::string& name, const Bytes& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
  }
  void put_gzip(const std::string& name, const Bytes& bytes) const {
    gzFile file = gzopen((folder_ / name).c_str(), "wb");
    gzwrite(file, bytes.data(), unsigned(bytes.size()));
    gzclose(file);
  }
  DatasetMaker maker() const {
    return read_kind(datasets::all(), "{\"kind\": \"fashion_mnist\", \"path\": \"" + folder_.string() + "\"}");
  }
  // The message of the ConfigError that work() must throw.
  template <class Work>
  static std::string error_of(const Work& work) {
    try {
      work();
    } catch (const ConfigError& error) { return error.what(); }
    return "no error";
  }
  void expect_refused(const std::string& file, const std::string& rule) const {
    const std::string error = error_of([&] { maker().load(); });
    EXPECT_NE(error.find(file), std::string::npos) << error;
    EXPECT_NE(error.find(rule), std::string::npos) << error;
  }

  std::filesystem::path folder_;
};

TEST_F(IdxFolder, IsReadPlain) {
  const auto data = maker().load();
  EXPECT_EQ(data->shape().features, 6);
  EXPECT_EQ(data->shape().height, 2);
  EXPECT_EQ(data->shape().width, 3);
  EXPECT_EQ(data->shape().classes, 10);
  EXPECT_EQ(data->shape().train_rows, 5u);
  EXPECT_EQ(data->shape().test_rows, 2u);
  std::vector<float> x(12);
  std::vector<std::int32_t> labels(2);
  data->fetch(Part::train, std::vector<std::uint32_t>{4, 0}, x.data(), labels.data());
  EXPECT_EQ(labels, (std::vector<std::int32_t>{1, 9}));
  EXPECT_EQ(x[0], 24 * 8 / 255.0f);
  EXPECT_EQ(x[11], 5 * 8 / 255.0f);
}

TEST_F(IdxFolder, IsReadGzipped) {
  const auto plain = maker().load();
  std::filesystem::remove(folder_ / "train-images-idx3-ubyte");
  put_gzip("train-images-idx3-ubyte.gz", idx({5, 2, 3}, pixels(30)));
  const auto zipped = maker();
  EXPECT_EQ(zipped.shape().train_rows, 5u);
  std::vector<float> x(30);
  std::vector<std::int32_t> labels(5);
  zipped.load()->fetch(Part::train, sequence(5), x.data(), labels.data());
  for (int i = 0; i < 30; ++i) EXPECT_EQ(x[std::size_t(i)], float(i * 8) / 255.0f);
}

TEST_F(IdxFolder, IsLoadedOnceWhileSomeoneHoldsIt) {
  const auto data = maker().load();
  EXPECT_EQ(maker().load(), data);
}

TEST_F(IdxFolder, ShapeReadsHeadersAlone) {
  put("train-images-idx3-ubyte", idx({5, 2, 3}, {}));
  put("train-labels-idx1-ubyte", idx({5}, {}));
  EXPECT_EQ(maker().shape().train_rows, 5u);
}

TEST_F(IdxFolder, WithAWrongMagicNumberIsRefused) {
  put("train-images-idx3-ubyte", idx({30}, pixels(30)));
  expect_refused("train-images-idx3-ubyte", "0x00000801, not 0x00000803");
  put("train-images-idx3-ubyte", idx({5, 2, 3}, pixels(30), 0x0D));
  expect_refused("train-images-idx3-ubyte", "0x00000d03, not 0x00000803");
}

TEST_F(IdxFolder, WithACutOffHeaderIsRefused) {
  put("t10k-labels-idx1-ubyte", idx({2}, {7, 2}).substr(0, 6));
  expect_refused("t10k-labels-idx1-ubyte", "ends within its header");
}

TEST_F(IdxFolder, WithMissingBytesIsRefused) {
  put("t10k-images-idx3-ubyte", idx({2, 2, 3}, pixels(11)));
  expect_refused("t10k-images-idx3-ubyte", "11 bytes of 12");
}

TEST_F(IdxFolder, WithBytesLeftOverIsRefused) {
  put("train-labels-idx1-ubyte", idx({5}, {9, 0, 3, 3, 1, 1}));
  expect_refused("train-labels-idx1-ubyte", "goes on after its 5 bytes");
}

TEST_F(IdxFolder, WithACutOffGzipFileIsRefused) {
  Bytes noise;
  for (std::uint64_t i = 0; i < 30'000; ++i) noise += char(splitmix64(i));
  put_gzip("train-images-idx3-ubyte.gz", idx({5, 60, 100}, noise));
  std::filesystem::resize_file(folder_ / "train-images-idx3-ubyte.gz", 10'000);
  put("t10k-images-idx3-ubyte", idx({2, 60, 100}, Bytes(12'000, 0)));
  expect_refused("train-images-idx3-ubyte.gz", "cut off");
}

// All the bytes are there, their check sum is not.
TEST_F(IdxFolder, WithAGzipFileWithoutItsEndOrWithADamagedOneIsRefused) {
  const auto path = folder_ / "train-images-idx3-ubyte.gz";
  put_gzip(path.filename(), idx({5, 2, 3}, pixels(30)));
  const auto size = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, size - 6);
  expect_refused("train-images-idx3-ubyte.gz", "is damaged or cut off");
  put_gzip(path.filename(), idx({5, 2, 3}, pixels(30)));
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out).seekp(std::streamoff(size) - 6).put('!').put('?');
  expect_refused("train-images-idx3-ubyte.gz", "is damaged or cut off");
}

TEST_F(IdxFolder, WithALabelOutOfRangeIsRefused) {
  put("train-labels-idx1-ubyte", idx({5}, {9, 0, 10, 3, 1}));
  expect_refused("train-labels-idx1-ubyte", "label 10 at row 2");
}

TEST_F(IdxFolder, WithAnotherNumberOfLabelsIsRefused) {
  put("t10k-labels-idx1-ubyte", idx({3}, {7, 2, 2}));
  expect_refused("t10k-labels-idx1-ubyte", "has 3 labels, its images are 2");
}

TEST_F(IdxFolder, WithTestImagesOfAnotherSizeIsRefused) {
  put("t10k-images-idx3-ubyte", idx({2, 3, 2}, pixels(12)));
  expect_refused("t10k-images-idx3-ubyte", "3×2 pixels, those for training have 2×3");
}

TEST_F(IdxFolder, WithNoImagesIsRefused) {
  put("train-images-idx3-ubyte", idx({0, 2, 3}, {}));
  expect_refused("train-images-idx3-ubyte", "empty");
}

TEST_F(IdxFolder, WithAHeaderThatPromisesTooMuchIsRefusedWithoutTakingTheMemory) {
  put("train-images-idx3-ubyte", idx({4'000'000'000, 4'000'000'000, 2}, {}));
  expect_refused("train-images-idx3-ubyte", "larger than 16 GiB");
  put("train-images-idx3-ubyte", idx({4'000'000, 60, 60}, pixels(30)));  // 14 GB
  put("train-labels-idx1-ubyte", idx({4'000'000}, {}));
  put("t10k-images-idx3-ubyte", idx({2, 60, 60}, {}));
  expect_refused("train-images-idx3-ubyte", "30 bytes of 14400000000");
}

TEST_F(IdxFolder, WithAFileMissingIsRefusedAtOnceAndSaysHowToGetIt) {
  std::filesystem::remove(folder_ / "t10k-labels-idx1-ubyte");
  const std::string error = error_of([&] { maker(); });
  EXPECT_NE(error.find("/it/path"), std::string::npos) << error;
  EXPECT_NE(error.find("no t10k-labels-idx1-ubyte"), std::string::npos) << error;
  EXPECT_NE(error.find("apt-get install dataset-fashion-mnist"), std::string::npos) << error;
  EXPECT_NE(error.find("workload.dataset.path"), std::string::npos) << error;
}

TEST_F(IdxFolder, ThatVanishesAfterTheScenarioWasReadIsAConfigErrorToo) {
  const auto made = maker();
  std::filesystem::remove_all(folder_);
  EXPECT_NE(error_of([&] { made.shape(); }).find(folder_.string()), std::string::npos);
  EXPECT_NE(error_of([&] { made.load(); }).find(folder_.string()), std::string::npos);
}

}  // namespace
}  // namespace paceline::testing
