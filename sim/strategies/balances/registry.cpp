#include "sim/strategies/balance.hpp"

// clang-format off
#define KINDS(kind) \
  kind(none) \
  kind(static_) \
  kind(dynamic) \
  kind(work_stealing)
// clang-format on

PACELINE_REGISTRY(BalanceMaker, balances, "balance", KINDS)
