// Fashion-MNIST: 60,000 + 10,000 pictures of clothes, 28×28 grey, ten classes (Xiao, Rasul, Vollgraf 2017,
// arXiv:1708.07747). Kept as bytes; a pixel is float32(byte)/float32(255). MNIST and its relatives read as well.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <mutex>
#include <stdexcept>

#include "models/data/idx.hpp"
#include "models/dataset.hpp"
#include "sim/core/errors.hpp"

namespace paceline {
namespace {

constexpr int classes = 10;
constexpr const char* debian_folder = "/usr/share/datasets/fashion-mnist";
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

std::string rule_for_missing(const std::string& folder, const char* name) {
  return fmt::format(
      "Fashion-MNIST is not there: no {}.gz in {}; apt-get install dataset-fashion-mnist, "
      "or give workload.dataset.path",
      name, folder);
}

std::string existing_file(const std::string& folder, const char* name) {
  std::string path = file_of(folder, name);
  if (path.empty()) throw ConfigError(rule_for_missing(folder, name));
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

class FashionMnist : public Dataset {
 public:
  explicit FashionMnist(const std::string& folder) : shape_(shape_of(folder)) {
    for (std::size_t part = 0; part < 2; ++part) {
      pixels_[part] = read_idx(existing_file(folder, images[part]), 3).bytes;
      const std::string path = existing_file(folder, labels[part]);
      labels_[part] = read_idx(path, 1).bytes;
      for (std::size_t row = 0; row < labels_[part].size(); ++row)
        if (labels_[part][row] >= classes)
          reject_idx(path,
                     fmt::format("has label {} at row {}; there are {} classes", labels_[part][row], row, classes));
    }
  }

  const DataShape& shape() const override { return shape_; }

  void fetch(Part part, std::span<const std::uint32_t> rows, float* x, std::int32_t* out) const override {
    const auto& own_labels = labels_[std::size_t(part)];
    const auto width = std::size_t(shape_.features);
    for (std::uint32_t row : rows) {
      if (row >= own_labels.size()) throw std::out_of_range(fmt::format("row {} of {}", row, own_labels.size()));
      const std::uint8_t* bytes = pixels_[std::size_t(part)].data() + row * width;
      for (std::size_t i = 0; i < width; ++i) x[i] = float(bytes[i]) / 255.0f;
      x += width;
      *out++ = own_labels[row];
    }
  }

 private:
  DataShape shape_;
  std::array<std::vector<std::uint8_t>, 2> pixels_, labels_;  // by Part
};

// One value for all runs of the process while any of them holds it.
std::shared_ptr<const Dataset> load(const std::string& folder) {
  static std::mutex guard;
  static std::map<std::string, std::weak_ptr<const Dataset>> loaded;
  const std::lock_guard lock(guard);
  std::weak_ptr<const Dataset>& known = loaded[std::filesystem::weakly_canonical(folder).string()];
  if (auto data = known.lock()) return data;
  auto data = std::make_shared<const FashionMnist>(folder);
  known = data;
  return data;
}

}  // namespace

namespace datasets {

DatasetMaker fashion_mnist(Reader& in) {
  in.about("Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 grey images of 28×28 in ten classes.");
  const std::string given =
      in.data_path("path", "folder of the four IDX files, plain or .gz; by default Debian's dataset-fashion-mnist");
  const std::string folder = given.empty() ? debian_folder : given;
  if (!in.describing())
    if (const char* name = missing_file(folder)) in.fail(given.empty() ? "" : "path", rule_for_missing(folder, name));
  return {[folder] { return shape_of(folder); }, [folder] { return load(folder); }};
}

}  // namespace datasets
}  // namespace paceline
