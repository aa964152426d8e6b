// A traced run inside a test: its results, and the trace as it reads back.
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/experiment/results.hpp"

namespace paceline::test {

struct Traced {
  Results results;
  std::string path;  // of the file or folder

  nlohmann::json json() const;  // of Chrome's format
};

// `assignments` as of --set; tracing is on.
Traced traced(const std::string& scenario, std::vector<std::string> assignments, const std::string& format = "chrome");

std::string gunzip(const std::string& path);

// Rules of Chrome's format that are broken, in words; empty: it is as it should be.
std::vector<std::string> broken_rules(const nlohmann::json& trace, double end_us);

}  // namespace paceline::test
