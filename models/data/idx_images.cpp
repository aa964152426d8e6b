#include "models/data/idx_images.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "models/data/byte_images.hpp"
#include "models/data/idx.hpp"
#include "sim/core/errors.hpp"

namespace paceline {
namespace {

constexpr int classes = 10;
constexpr std::array<const char*, 2> images{"train-images-idx3-ubyte", "t10k-images-idx3-ubyte"};  // by Part
constexpr std::array<const char*, 2> labels{"train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"};

// The file in the folder, gzipped or plain; "": neither is there.
std::string file_of(const std::string& folder, const char* name) {
  for (const char* ending : {".gz", ""}) {
    const auto path = std::filesystem::path(folder) / (std::string(name) + ending);
    if (std::filesystem::is_regular_file(path)) return path.string();
  }
  return "";
}

// The first of the four files that is not there, or null.
const char* missing_file(const std::string& folder) {
  for (const auto& names : {images, labels})
    for (const char* name : names)
      if (file_of(folder, name).empty()) return name;
  return nullptr;
}

std::string existing_file(const std::string& folder, const char* name) {
  std::string path = file_of(folder, name);
  if (path.empty()) throw ConfigError(fmt::format("there is no {} in {}", name, folder));
  return path;
}

DataShape shape_of(const std::string& folder) {
  DataShape shape;
  std::array<std::vector<std::size_t>, 2> sizes;
  for (std::size_t part = 0; part < 2; ++part) {
    const std::string path = existing_file(folder, images[part]), label_path = existing_file(folder, labels[part]);
    sizes[part] = read_idx_sizes(path, 3);
    const std::size_t rows = sizes[part][0], labelled = read_idx_sizes(label_path, 1)[0];
    if (labelled != rows) reject_idx(label_path, fmt::format("has {} labels, its images are {}", labelled, rows));
    if (sizes[part][1] > 4096 || sizes[part][2] > 4096) reject_idx(path, "has images of more than 4096 pixels a side");
    if (part == 1 && (sizes[1][1] != sizes[0][1] || sizes[1][2] != sizes[0][2]))
      reject_idx(path, fmt::format("has images of {}×{} pixels, those for training have {}×{}", sizes[1][1],
                                   sizes[1][2], sizes[0][1], sizes[0][2]));
  }
  shape.height = int(sizes[0][1]);
  shape.width = int(sizes[0][2]);
  shape.features = shape.height * shape.width;
  shape.classes = classes;
  shape.train_rows = sizes[0][0];
  shape.test_rows = sizes[1][0];
  return shape;
}

ByteImages read_folder(const std::string& folder) {
  ByteImages made;
  made.shape = shape_of(folder);
  for (std::size_t part = 0; part < 2; ++part) {
    made.pixels[part] = read_idx(existing_file(folder, images[part]), 3).bytes;
    const std::string path = existing_file(folder, labels[part]);
    made.labels[part] = read_idx(path, 1).bytes;
    for (std::size_t row = 0; row < made.labels[part].size(); ++row)
      if (made.labels[part][row] >= classes)
        reject_idx(path,
                   fmt::format("has label {} at row {}; there are {} classes", made.labels[part][row], row, classes));
  }
  return made;
}

}  // namespace

DatasetMaker idx_images(Reader& in, std::string_view name, const std::string& folder, std::string_view where) {
  if (!in.describing())
    if (const char* file = missing_file(folder))
      in.fail(in.has("path") ? "path" : "",
              fmt::format("{} is not there: no {}.gz in {}; {}", name, file, folder, where));
  return {[folder] { return shape_of(folder); },
          [folder] { return shared_images(folder, [&] { return read_folder(folder); }); }};
}

}  // namespace paceline
