#include "models/data/byte_images.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <stdexcept>

namespace paceline {
namespace {

// Shuffled rows lie all over the memory: they are on their way while others are converted.
constexpr std::size_t ahead = 4;
void fetch_ahead(const std::uint8_t* bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 64) __builtin_prefetch(bytes + i);
}

// b / 255, rounded as a division rounds it, without one: the product with the upper part of 1/255 is exact.
float share_of_255(std::uint8_t b) {
  constexpr float upper = 257.0f / 65536.0f, lower = float(1.0 / 255 - 257.0 / 65536);
  return float(b) * upper + float(b) * lower;
}

class Images final : public Dataset {
 public:
  explicit Images(ByteImages images) : images_(std::move(images)) {}

  const DataShape& shape() const override { return images_.shape; }

  void fetch(Part part, std::span<const std::uint32_t> rows, float* x, std::int32_t* labels) const override {
    const auto& own_labels = images_.labels[std::size_t(part)];
    const auto width = std::size_t(images_.shape.features);
    const std::uint8_t* pixels = images_.pixels[std::size_t(part)].data();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::uint32_t row = rows[i];
      if (row >= own_labels.size()) throw std::out_of_range(fmt::format("row {} of {}", row, own_labels.size()));
      if (i + ahead < rows.size()) fetch_ahead(pixels + rows[i + ahead] * width, width);
      const std::uint8_t* bytes = pixels + row * width;
      for (std::size_t p = 0; p < width; ++p) x[p] = share_of_255(bytes[p]);
      x += width;
      *labels++ = own_labels[row];
    }
  }

 private:
  ByteImages images_;
};

}  // namespace

std::shared_ptr<const Dataset> shared_images(const std::string& folder, const std::function<ByteImages()>& read) {
  static std::mutex guard;
  static std::map<std::string, std::weak_ptr<const Dataset>> loaded;
  const std::lock_guard lock(guard);
  std::weak_ptr<const Dataset>& known = loaded[std::filesystem::weakly_canonical(folder).string()];
  if (auto data = known.lock()) return data;
  auto data = std::make_shared<const Images>(read());
  known = data;
  return data;
}

}  // namespace paceline
