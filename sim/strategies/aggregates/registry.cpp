#include "sim/strategies/aggregate.hpp"

// clang-format off
#define KINDS(kind) \
  kind(all_reduce) \
  kind(parameter_server)
// clang-format on

PACELINE_REGISTRY(AggregateMaker, aggregates, "aggregate", KINDS)

namespace paceline {

Task<> Aggregate::serve(Server&) { throw std::logic_error("this aggregate uses no servers"); }

}  // namespace paceline
