#include "sim/cluster/link_events/link_event.hpp"

// clang-format off
#define KINDS(kind) \
  kind(degrade) \
  kind(down) \
  kind(random) \
  kind(restore) \
  kind(up)
// clang-format on

PACELINE_REGISTRY(LinkEventMaker, link_events, "link event", KINDS)
