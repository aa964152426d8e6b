// Pictures kept as bytes, as their files have them: a pixel is float32(byte)/float32(255).
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/dataset.hpp"

namespace paceline {

struct ByteImages {
  DataShape shape;
  std::array<std::vector<std::uint8_t>, 2> pixels, labels;  // by Part
};

// One value for all runs of the process while any of them holds it; `folder` names it.
std::shared_ptr<const Dataset> shared_images(const std::string& folder, const std::function<ByteImages()>& read);

}  // namespace paceline
