// TraceFile: a timeline that is written down, in some format.
#pragma once
#include <memory>
#include <string>

#include "sim/cluster/cluster.hpp"
#include "sim/core/record.hpp"
#include "sim/experiment/trace/spec.hpp"

namespace paceline {

class TraceFile : public Timeline {
 public:
  // What a user should know of it, once it is closed: that it is empty, or ends before the run; or "".
  virtual std::string note() const = 0;
};

// `path`: of the file, or of the folder, by the format. Throws RunError when it cannot be written.
std::unique_ptr<TraceFile> make_trace(const TraceSpec& spec, const Cluster& cluster, const std::string& path);

}  // namespace paceline
