#include "sim/experiment/trace/hta.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>

#include "sim/core/errors.hpp"
#include "sim/experiment/trace/json_text.hpp"

namespace paceline {
namespace {

constexpr int host_process = 1000, compute_stream = 7, communication_stream = 20;

std::string microseconds(Time at) {
  fmt::memory_buffer text;
  put_microseconds(text, at.time_since_epoch());
  return fmt::to_string(text);
}
std::string length(Time from, Time until) {
  fmt::memory_buffer text;
  put_length(text, from, until);
  return fmt::to_string(text);
}

// As NCCL names its kernels, and as PyTorch names what they do.
struct Nccl {
  const char *kernel, *collective;
};
Nccl nccl_of(std::string_view what) {
  static const std::map<std::string_view, Nccl> known{
      {"all_reduce", {"AllReduce_RING_LL_Sum_float", "allreduce"}},
      {"reduce_scatter", {"ReduceScatter_RING_LL_Sum_float", "_reduce_scatter_base"}},
      {"all_gather", {"AllGather_RING_LL_Sum_int8_t", "_allgather_base"}},
      {"broadcast", {"Broadcast_RING_LL_Sum_int8_t", "broadcast"}},
      {"all_to_all", {"SendRecv", "all_to_all"}},
  };
  const auto found = known.find(what);
  return found == known.end() ? Nccl{"SendRecv", "sendrecv"} : found->second;
}

}  // namespace

HtaTrace::HtaTrace(const TraceSpec& spec, const Cluster& cluster, const std::string& folder)
    : spec_(spec), workers_(cluster.workers()), ranks_(std::size_t(cluster.workers())) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw RunError(fmt::format("{}: cannot be made: {}", folder, error.message()));
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))  // of a run before
    if (const std::string name = entry.path().filename(); name.starts_with("rank_") && name.ends_with(".json.gz"))
      std::filesystem::remove(entry.path(), error);
  std::vector<int> all(std::size_t(cluster.workers()), 0);
  std::iota(all.begin(), all.end(), 0);
  for (const int rank : spec.workers.empty() ? all : spec.workers) {
    const auto& names = cluster.spec().device_names;
    fmt::memory_buffer device;
    put_json_string(device, names.empty() ? "simulated" : names[std::size_t(rank)]);
    auto& file = ranks_[std::size_t(rank)].file;
    file = std::make_unique<GrowingFile>(fmt::format("{}/rank_{}.json.gz", folder, rank), "\n]}\n",
                                         GrowingFile::Size::small);
    file->append(fmt::format(
        "{{\"schemaVersion\":1,\"deviceProperties\":[{{\"id\":0,\"name\":{0}}}],\"distributedInfo\":{{\"backend\":"
        "\"nccl\",\"rank\":{1},\"world_size\":{2},\"pg_count\":1,\"pg_config\":[{{\"pg_name\":\"0\",\"pg_desc\":"
        "\"default_pg\",\"backend_config\":\"cuda:nccl\",\"pg_size\":{2},\"ranks\":[{3}]}}]}},\"displayTimeUnit\":"
        "\"ms\",\"traceName\":\"rank_{1}.json.gz\",\"traceEvents\":[",
        fmt::to_string(device), rank, workers_, fmt::join(all, ",")));
  }
}

void HtaTrace::span(const SpanRow& row) {
  if (row.at_server || row.from == row.until || !in_window(row)) return;
  Rank& rank = ranks_[std::size_t(row.who)];
  if (!rank.file) return;
  switch (row.lane) {
    case SpanRow::Lane::step:
      return annotate(rank, row);
    case SpanRow::Lane::compute:
      return launch(rank, row, row.from, false);
    case SpanRow::Lane::communication:
      return launch(rank, row, std::clamp(row.moving, row.from, row.until), true);
    case SpanRow::Lane::blocked:  // what it was blocked on is told as communication, or is idle time
      return;
  }
}

void HtaTrace::annotate(Rank& rank, const SpanRow& row) {
  rank.file->append(fmt::format(
      "{}\n{{\"ph\":\"X\",\"cat\":\"user_annotation\",\"name\":\"ProfilerStep#{}\",\"pid\":{},\"tid\":{},\"ts\":{},"
      "\"dur\":{},\"args\":{{\"External id\":{}}}}}",
      std::exchange(rank.first, false) ? "" : ",", row.step, host_process + row.who, host_process + row.who,
      microseconds(row.from), length(row.from, row.until), ++correlation_));
}

// A kernel, and the call on the host that launched it, which takes no time.
void HtaTrace::launch(Rank& rank, const SpanRow& row, Time from, bool communicates) {
  if (from >= row.until) return;
  const int stream = communicates ? communication_stream : compute_stream, host = host_process + row.who;
  const std::string at = microseconds(from);
  const Nccl nccl = nccl_of(row.what);
  std::string name = row.number < 0 ? row.what : fmt::format("{}_{}", row.what, row.number), more;
  if (communicates) {
    name = fmt::format("ncclKernel_{}(ncclDevComm*, unsigned long, ncclWork*)", nccl.kernel);
    more = fmt::format(",\"Collective name\":\"{}\",\"Group size\":{},\"dtype\":\"Float\",\"Process Group Name\":\"0\"",
                       nccl.collective, workers_);
    if (row.bytes >= 0)
      more += fmt::format(",\"In msg nelems\":{0},\"Out msg nelems\":{0}", std::int64_t(row.bytes / sizeof(float)));
  }
  ++correlation_;
  rank.file->append(fmt::format(
      "{0}\n{{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\",\"pid\":{1},\"tid\":{1},\"ts\":{2},"
      "\"dur\":0,\"args\":{{\"External id\":{3},\"cbid\":211,\"correlation\":{3}}}}},\n{{\"ph\":\"X\",\"cat\":"
      "\"kernel\",\"name\":\"{4}\",\"pid\":0,\"tid\":{5},\"ts\":{2},\"dur\":{6},\"args\":{{\"External id\":{3},"
      "\"device\":0,\"context\":1,\"stream\":{5},\"correlation\":{3}{7}}}}}",
      std::exchange(rank.first, false) ? "" : ",", host, at, correlation_, name, stream, length(from, row.until),
      more));
}

void HtaTrace::close(Time) {
  for (Rank& rank : ranks_)
    if (rank.file) rank.file->close();
}

}  // namespace paceline
