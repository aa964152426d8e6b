#include "sim/strategies/aggregate.hpp"

#define KINDS(kind)  \
  kind(all_reduce)   \
  kind(parameter_server)

PACELINE_REGISTRY(AggregateMaker, aggregates, "aggregate", KINDS)

namespace paceline {

Task<> Aggregate::serve(Server&) { throw std::logic_error("this aggregate uses no servers"); }

}  // namespace paceline
