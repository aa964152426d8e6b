#include "tests/support/strategies.hpp"

#include <ostream>

namespace paceline::test {

std::string StrategyCase::kind() const {
  const std::string before = R"({"kind": ")";
  return four.substr(before.size(), four.find('"', before.size()) - before.size());
}

void PrintTo(const StrategyCase& each, std::ostream* out) { *out << each.name; }

const std::vector<StrategyCase>& all_strategies() {
  static const std::vector<StrategyCase> all = [] {
    const auto same = [](const char* keys) { return std::pair<std::string, std::string>(keys, keys); };
    struct Entry {
      const char* name;
      std::pair<std::string, std::string> keys;
      bool servers = false, follows_values = false;
    };
    const std::vector<Entry> entries{
        {"adacomm", same(R"({"kind": "adacomm", "period": 4, "interval": "2ms"})"), false, true},
        {"adasum", same(R"({"kind": "adasum"})")},
        {"async", same(R"({"kind": "async"})"), true},
        {"async_inverse", same(R"({"kind": "async", "staleness_scaling": "inverse"})"), true},
        {"backup_workers",
         {R"({"kind": "backup_workers", "backups": 1})", R"({"kind": "backup_workers", "backups": 0})"},
         true},
        {"backup_workers_cancel",
         {R"({"kind": "backup_workers", "backups": 1, "cancel": true})",
          R"({"kind": "backup_workers", "backups": 0, "cancel": true})"},
         true},
        {"bsp", same(R"({"kind": "bsp"})")},
        {"bsp_accumulate",
         {R"({"kind": "bsp", "accumulate": 2})",
          R"({"kind": "bsp", "aggregate": {"kind": "all_reduce", "overlap": false}})"}},
        {"bsp_over_servers", same(R"({"kind": "bsp", "aggregate": {"kind": "parameter_server"}})"), true},
        {"dc_asgd", same(R"({"kind": "dc_asgd", "lambda": 0.04})"), true},
        {"dc_asgd_adaptive", same(R"({"kind": "dc_asgd", "variant": "adaptive", "lambda": 2})"), true},
        {"diloco",
         {R"({"kind": "diloco", "period": 4})",
          R"({"kind": "diloco", "period": 4, "outer_learning_rate": 1, "outer_momentum": 0})"}},
        {"diloco_fragments",
         {R"({"kind": "diloco", "period": 4, "fragments": 2})",
          R"({"kind": "diloco", "period": 4, "fragments": 2, "outer_learning_rate": 1, "outer_momentum": 0})"}},
        {"easgd", {R"({"kind": "easgd", "period": 4, "rho": 2})", R"({"kind": "easgd", "period": 4, "rho": 0})"}, true},
        {"easgd_synchronous",
         {R"({"kind": "easgd", "period": 4, "rho": 2, "synchronous": true})",
          R"({"kind": "easgd", "period": 4, "rho": 0, "synchronous": true})"},
         true},
        {"execution_graph",
         {R"({"kind": "execution_graph", "graph": {"ranks": [
             {"nodes": [{"id": 0, "compute": "90us"}, {"id": 1, "send": 1, "bytes": "9kB", "after": [0]},
                        {"id": 2, "receive": 3, "bytes": "9kB"}, {"id": 3, "compute": "50us", "after": [2]},
                        {"id": 4, "collective": "all_reduce", "bytes": "20kB", "after": [0, 3]}]},
             {"nodes": [{"id": 0, "compute": "120us"}, {"id": 1, "send": 2, "bytes": "9kB", "after": [0]},
                        {"id": 2, "receive": 0, "bytes": "9kB"}, {"id": 3, "compute": "50us", "after": [2]},
                        {"id": 4, "collective": "all_reduce", "bytes": "20kB", "after": [0, 3]}]},
             {"nodes": [{"id": 0, "compute": "80us"}, {"id": 1, "send": 3, "bytes": "9kB", "after": [0]},
                        {"id": 2, "receive": 1, "bytes": "9kB"}, {"id": 3, "compute": "50us", "after": [2]},
                        {"id": 4, "collective": "all_reduce", "bytes": "20kB", "after": [0, 3]}]},
             {"nodes": [{"id": 7, "compute": "100us"}, {"id": 5, "send": 0, "bytes": "9kB", "after": [7]},
                        {"id": 3, "receive": 2, "bytes": "9kB"}, {"id": 2, "compute": "50us", "after": [3]},
                        {"id": 9, "collective": "all_reduce", "bytes": "20kB", "after": [7, 2]}]}]}})",
          R"({"kind": "execution_graph", "graph": {"ranks": [{"nodes": [{"id": 0, "compute": "90us"},
              {"id": 1, "collective": "all_reduce", "bytes": "20kB", "after": [0]}]}]}})"}},
        {"fedbuff",
         {R"({"kind": "fedbuff", "buffer": 3, "local_steps": 2})",
          R"({"kind": "fedbuff", "buffer": 1, "local_steps": 2})"},
         true},
        {"gossip", same(R"({"kind": "gossip"})")},
        {"gossip_adpsgd", same(R"({"kind": "gossip", "variant": "adpsgd"})")},
        {"group_async",
         {R"({"kind": "group_async", "group_size": 2})", R"({"kind": "group_async", "group_size": 1})"},
         true},
        {"hierarchical_local_sgd",
         same(R"({"kind": "hierarchical_local_sgd", "group_size": 2, "inner_period": 2, "outer_period": 4})")},
        {"k_async", {R"({"kind": "k_async", "k": 2})", R"({"kind": "k_async", "k": 1})"}, true},
        {"k_batch_async", {R"({"kind": "k_batch_async", "k": 6})", R"({"kind": "k_batch_async", "k": 1})"}, true},
        {"k_batch_sync", {R"({"kind": "k_batch_sync", "k": 6})", R"({"kind": "k_batch_sync", "k": 1})"}, true},
        {"k_sync", {R"({"kind": "k_sync", "k": 2})", R"({"kind": "k_sync", "k": 1})"}, true},
        {"local_sgd", same(R"({"kind": "local_sgd", "period": 4})")},
        {"push_sum", same(R"({"kind": "push_sum"})")},
        {"rennala", {R"({"kind": "rennala", "batch": 3})", R"({"kind": "rennala", "batch": 1})"}, true},
        {"ringmaster", same(R"({"kind": "ringmaster", "delay_threshold": 3})"), true},
        {"ringmaster_stops", same(R"({"kind": "ringmaster", "delay_threshold": 3, "stops": true})"), true},
        {"ssp", same(R"({"kind": "ssp", "staleness": 1})"), true},
        {"switching",
         same(
             R"({"kind": "switching", "phases": [{"strategy": {"kind": "bsp"}, "until": {"steps": 12}}, {"strategy": {"kind": "async"}}]})"),
         true},
    };
    std::vector<StrategyCase> made;
    for (const Entry& each : entries)
      made.push_back({each.name, each.keys.first, each.keys.second, each.servers, each.follows_values});
    return made;
  }();
  return all;
}

}  // namespace paceline::test
