// Where runs are read from: one function for run folders, one for the stores of sweeps.
#pragma once
#include "sim/experiment/compare/runs.hpp"

namespace paceline::compare {

// Of several folders; those of equal scenarios become one configuration, named by the keys that differ. Runs that are
// not finished are noted.
void read_run_folders(const std::vector<std::string>& folders, Runs& into);

// One store (sweep.sqlite). It is opened for reading only.
void read_store(const std::string& file, Runs& into);

// A scenario without what makes no difference to a run, and without its seed.
Json comparable(Json scenario);
// The keys in which scenarios differ, as short as may be: where kinds differ it is their whole object.
std::vector<std::string> differing(const std::vector<Json>& scenarios);

// What a scenario asks for (training.stop.accuracy).
std::optional<double> stop_accuracy_of(const Json& scenario);

}  // namespace paceline::compare
