// Merges stores of one sweep, or of several, into a new one: shards that were done on machines which share no files.
#pragma once
#include <string>
#include <vector>

namespace paceline {

struct Merged {
  std::size_t runs = 0, done = 0, failed = 0, waiting = 0;
  std::size_t twice = 0;  // done in several stores, to the same figures
};

// Of a run that is in several stores the first is taken in which it is done, else failed, else waiting; what is running
// somewhere waits. The file is written whole. Throws ConfigError for what is no store, or when two stores have the same
// run with other figures; RunError when the file cannot be written, or is there.
Merged merge_stores(const std::vector<std::string>& stores, const std::string& out);

}  // namespace paceline
