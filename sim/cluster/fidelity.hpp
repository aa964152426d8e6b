// How the messages of a collective are simulated; `cluster.network.fidelity`.
#pragma once

namespace paceline {

enum class Fidelity {
  automatic,  // fluid up to 64 ranks of a collective, fused above
  fluid,      // every message is a transfer
  fused,      // the messages of a phase from one rank to another are one flow
  analytic,   // a time reckoned from the plan; nothing flows
};

inline const char* name_of(Fidelity fidelity) {
  constexpr const char* names[] = {"auto", "fluid", "fused", "analytic"};
  return names[int(fidelity)];
}

}  // namespace paceline
