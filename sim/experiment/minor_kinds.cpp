#include "sim/experiment/minor_kinds.hpp"

// clang-format off
#define ORDERS(kind) \
  kind(sequential) \
  kind(shuffled)
// clang-format on

PACELINE_REGISTRY(bool, orders, "order", ORDERS)

namespace paceline {

bool orders::sequential(Reader& in) {
  in.about("the file's order, over and over");
  return false;
}
bool orders::shuffled(Reader& in) {
  in.about("a permutation per epoch, from the seed");
  return true;
}

}  // namespace paceline
