// Text: the characters of a file, to predict each from those before it. Classes are the bytes that occur, in order. A
// row is `context` characters, its labels the characters one further on; rows stand side by side, so that an epoch
// predicts every character once. The end of the file is for testing.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "models/dataset.hpp"
#include "sim/core/errors.hpp"

namespace paceline {
namespace {

struct Key {
  std::string path;
  int context;
  double test_share;
};

[[noreturn]] void reject(const Key& key, const std::string& rule) {
  throw ConfigError(Place{std::make_shared<const std::string>(key.path)}, "", rule);
}

class Text : public Dataset {
 public:
  explicit Text(const Key& key) {
    if (std::filesystem::is_directory(key.path)) reject(key, "is a folder, where a file of text is needed");
    std::ifstream file(key.path, std::ios::binary);
    if (!file) reject(key, "cannot be opened");
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    std::array<std::int32_t, 256> known{};
    for (unsigned char byte : bytes_) known[byte] = 1;
    for (std::size_t byte = 0; byte < 256; ++byte)
      if (known[byte]) known[byte] = shape_.classes++;
    for (unsigned char& byte : bytes_) byte = static_cast<unsigned char>(known[byte]);

    const auto context = std::size_t(key.context);
    const std::size_t all = bytes_.empty() ? 0 : (bytes_.size() - 1) / context;
    shape_.test_rows = std::size_t(std::ceil(key.test_share * double(all)));
    shape_.train_rows = all - shape_.test_rows;
    shape_.features = shape_.labels = shape_.width = key.context;
    if (shape_.classes < 2 || shape_.train_rows == 0)
      reject(key, fmt::format("has {} bytes, {} of them different: at least {}, 2 of them different, are needed",
                              bytes_.size(), shape_.classes, 2 * context + 1));
  }

  const DataShape& shape() const override { return shape_; }

  void fetch(Part part, std::span<const std::uint32_t> rows, float* x, std::int32_t* labels) const override {
    const auto context = std::size_t(shape_.features);
    for (std::uint32_t row : rows) {
      if (row >= shape_.rows(part)) throw std::out_of_range(fmt::format("row {} of {}", row, shape_.rows(part)));
      const auto* from = bytes_.data() + (row + (part == Part::test ? shape_.train_rows : 0)) * context;
      x = std::copy_n(from, context, x);
      labels = std::copy_n(from + 1, context, labels);
    }
  }

 private:
  DataShape shape_;
  std::vector<unsigned char> bytes_;  // their classes
};

}  // namespace

namespace datasets {

DatasetMaker text(Reader& in) {
  in.about("The characters of a file, each to be predicted from those before it.");
  Key key;
  key.path = in.data_path("path", "the file; its bytes are the characters");
  key.context = int(in.integer(
      "context",
      {.minimum = 2, .maximum = 4096, .fallback = 64, .help = "characters of a row, all of them predicted"}));
  key.test_share = in.number(
      "test_share", {.minimum = 0, .maximum = 0.9, .fallback = 0.1, .help = "of the rows, from the end of the file"});
  if (key.path.empty() && !in.describing()) {
    in.finish();
    in.fail("", "\"path\" must name a file of text");
  }
  return {[key] { return Text(key).shape(); }, [key] { return std::make_shared<const Text>(key); }};
}

}  // namespace datasets
}  // namespace paceline
