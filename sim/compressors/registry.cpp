#include "sim/compressors/compressor.hpp"

// clang-format off
#define KINDS(kind) \
  kind(bf16) \
  kind(dgc) \
  kind(ef_sign) \
  kind(fp16) \
  kind(none) \
  kind(power_sgd) \
  kind(qsgd) \
  kind(random_k) \
  kind(sign_majority) \
  kind(terngrad) \
  kind(top_k)
// clang-format on

PACELINE_REGISTRY(CompressorMaker, compressors, "compressor", KINDS)
