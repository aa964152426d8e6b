#include "sim/compressors/compressor.hpp"

#define KINDS(kind) kind(none)
PACELINE_REGISTRY(CompressorMaker, compressors, "compressor", KINDS)
