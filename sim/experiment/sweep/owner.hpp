// Who has claimed a run: "host:pid:start", the last in clock ticks since the machine was started, so that a number that
// is given to another process later is not taken for it. Hosts that share a store must have different names.
#pragma once
#include <string>

namespace paceline {

std::string host_name();
std::string this_owner();

enum class Life { alive, dead, elsewhere };  // the last: of another host
Life life_of(const std::string& owner);

}  // namespace paceline
