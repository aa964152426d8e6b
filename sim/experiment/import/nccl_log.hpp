// What nccl-tests printed: a table for each test, of the time that an operation took by the size of its buffer.
//   #       size   count   type   redop  root   time  algbw  busbw  #wrong   time  algbw  busbw  #wrong
// Lines may begin with a rank or a host, as mpirun and srun add them ("0: ", "[1,0]<stdout>:"), columns of older
// versions (no root, an error in place of #wrong) are told by their number. Before 2.17 a log does not name its test,
// unless the command stands in it; all_reduce and reduce_scatter are known by their columns then.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace paceline {

struct NcclTest {
  struct Row {
    double bytes = 0;
    double seconds = 0;  // out of place
    std::optional<double> in_place_s{};
  };
  std::string operation;  // as in all_reduce_perf, without _perf; "" where the log does not tell
  int ranks = 0;          // 0: the log does not say
  std::vector<Row> rows;
  std::optional<double> average_busbw{};  // GB/s, as printed
};

// Throws ConfigError where there is no table, with the log's last words.
std::vector<NcclTest> read_nccl_log(const std::string& path);
// Whether a file begins like one.
bool is_nccl_log(const std::string& text);

}  // namespace paceline
