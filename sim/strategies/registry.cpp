#include "sim/strategies/strategy.hpp"

// clang-format off
#define KINDS(kind) \
  kind(adacomm) \
  kind(adasum) \
  kind(async) \
  kind(backup_workers) \
  kind(bsp) \
  kind(dc_asgd) \
  kind(diloco) \
  kind(easgd) \
  kind(execution_graph) \
  kind(fedbuff) \
  kind(gossip) \
  kind(group_async) \
  kind(hierarchical_local_sgd) \
  kind(k_async) \
  kind(k_batch_async) \
  kind(k_batch_sync) \
  kind(k_sync) \
  kind(local_sgd) \
  kind(push_sum) \
  kind(rennala) \
  kind(ringmaster) \
  kind(ssp) \
  kind(switching)
// clang-format on

PACELINE_REGISTRY(StrategyMaker, strategies, "strategy", KINDS)
