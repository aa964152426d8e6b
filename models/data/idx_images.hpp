// Labelled grey pictures of up to ten classes in four IDX files, plain or .gz, named as those of MNIST are.
#pragma once
#include <string>
#include <string_view>

#include "models/dataset.hpp"

namespace paceline {

// `where`: how to come by the files, for the message that one is missing.
DatasetMaker idx_images(Reader& in, std::string_view name, const std::string& folder, std::string_view where);

}  // namespace paceline
