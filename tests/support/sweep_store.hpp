// The store of a sweep made by hand, by the schema that tools/README.md documents: what a test of readers needs.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace paceline::test {

struct StoredRun {
  std::string axes = "{}";  // a JSON object
  int seed = 1;
  std::string state = "done";
  int workers = 1;
  double simulated_time_s = 1, throughput_samples_per_s = 1, bytes_on_wire = 0;
  struct Point {
    double time_s, accuracy, bytes;
  };
  std::vector<Point> curve{};
  std::string reason = "steps";
  std::string error{}, failed_check{};
  std::string scenario{};  // resolved; that of the options where empty
};

struct StoreOptions {
  std::string baseline{};  // JSON; none
  std::string scenario = R"({"training": {"stop": {"steps": 10}}})";
  std::string name = "made";
  int version = 1;
};

// A new file sweep.sqlite in a folder of its own; returns its path.
std::string make_store(const std::vector<StoredRun>& runs, const StoreOptions& options = {});
// Statements on a file, which is made where it is not there.
void execute_sql(const std::string& file, const std::string& statements);

}  // namespace paceline::test
