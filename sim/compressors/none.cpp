#include "sim/compressors/compressor.hpp"

namespace paceline::compressors {

CompressorMaker none(Reader& in) {
  in.about("4 bytes per entry, as they are");
  return {.name = "none",
          .carriage = Carriage::summed,
          .piecewise = true,
          .keeps_residual = false,
          .time = 0,
          .make = nullptr};
}

}  // namespace paceline::compressors
