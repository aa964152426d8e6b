#include "sim/experiment/minor_kinds.hpp"

// clang-format off
#define ORDERS(kind) \
  kind(sequential) \
  kind(shuffled)
// clang-format on
#define COMPRESSORS(kind) kind(none)

PACELINE_REGISTRY(bool, orders, "order", ORDERS)
PACELINE_REGISTRY(Nothing, compressors, "compressor", COMPRESSORS)

namespace paceline {

bool orders::sequential(Reader& in) {
  in.about("the file's order, over and over");
  return false;
}
bool orders::shuffled(Reader& in) {
  in.about("a permutation per epoch, from the seed");
  return true;
}
Nothing compressors::none(Reader& in) {
  in.about("4 bytes per entry, as they are");
  return {};
}

}  // namespace paceline
