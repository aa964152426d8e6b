// CIFAR-10: 50,000 + 10,000 colour pictures of 32×32 in ten classes (Krizhevsky 2009). The binary version: records of a
// label byte and 3,072 bytes of red, green and blue rows, in data_batch_1.bin … data_batch_5.bin and test_batch.bin
// (cs.toronto.edu/~kriz/cifar.html). A file may have any number of records.
#include <fmt/format.h>

#include <filesystem>

#include "models/data/byte_images.hpp"
#include "sim/core/document.hpp"
#include "sim/core/errors.hpp"

namespace paceline {
namespace {

constexpr int classes = 10;
constexpr std::size_t pixels = 3 * 32 * 32, record = 1 + pixels;
constexpr std::size_t largest = std::size_t{16} << 30;  // bytes of a file

const std::vector<std::string>& files(Part part) {
  static const std::vector<std::string> test{"test_batch.bin"};
  static const std::vector<std::string> train{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                              "data_batch_4.bin", "data_batch_5.bin"};
  return part == Part::train ? train : test;
}

std::string path_of(const std::string& folder, const std::string& name) {
  return (std::filesystem::path(folder) / name).string();
}

[[noreturn]] void reject(const std::string& path, std::string_view rule) {
  throw ConfigError(Place{std::make_shared<const std::string>(path)}, "", rule);
}

std::size_t rows_of(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) reject(path, fmt::format("cannot be read: {}", error.message()));
  if (size == 0 || size % record != 0)
    reject(path, fmt::format("has {} bytes, which are not whole records of {}", size, record));
  return std::size_t(size / record);
}

DataShape shape_of(const std::string& folder) {
  DataShape shape;
  shape.channels = 3;
  shape.height = shape.width = 32;
  shape.features = int(pixels);
  shape.classes = classes;
  for (const std::string& name : files(Part::train)) shape.train_rows += rows_of(path_of(folder, name));
  for (const std::string& name : files(Part::test)) shape.test_rows += rows_of(path_of(folder, name));
  return shape;
}

ByteImages read_folder(const std::string& folder) {
  ByteImages made;
  made.shape = shape_of(folder);
  for (Part part : {Part::train, Part::test}) {
    auto &bytes = made.pixels[std::size_t(part)], &labels = made.labels[std::size_t(part)];
    bytes.reserve(made.shape.rows(part) * pixels);
    for (const std::string& name : files(part)) {
      const std::string path = path_of(folder, name), text = read_file(path, largest);
      if (text.size() != rows_of(path) * record) reject(path, "changed while it was read");
      for (std::size_t at = 0; at < text.size(); at += record) {
        labels.push_back(std::uint8_t(text[at]));
        if (labels.back() >= classes)
          reject(path,
                 fmt::format("has label {} at record {}; there are {} classes", labels.back(), at / record, classes));
        bytes.insert(bytes.end(), text.begin() + std::ptrdiff_t(at + 1), text.begin() + std::ptrdiff_t(at + record));
      }
    }
  }
  return made;
}

}  // namespace

namespace datasets {

DatasetMaker cifar10(Reader& in) {
  in.about("CIFAR-10 (Krizhevsky 2009), binary version: 50,000 + 10,000 colour images of 32×32 in ten classes.");
  const std::string folder =
      in.data_path("path", "folder of data_batch_1.bin to data_batch_5.bin and test_batch.bin; must be given");
  if (!in.describing()) {
    if (folder.empty()) in.fail("path", "missing: the folder of CIFAR-10's binary version");
    for (Part part : {Part::train, Part::test})
      for (const std::string& name : files(part))
        if (!std::filesystem::is_regular_file(path_of(folder, name)))
          in.fail("path",
                  fmt::format("CIFAR-10 is not there: no {} in {}; it must be the binary version", name, folder));
  }
  return {[folder] { return shape_of(folder); },
          [folder] { return shared_images(folder, [&] { return read_folder(folder); }); }};
}

}  // namespace datasets
}  // namespace paceline
