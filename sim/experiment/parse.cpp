#include "sim/experiment/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "sim/cluster/catalogue.hpp"
#include "sim/cluster/link_names.hpp"
#include "sim/core/digest.hpp"
#include "sim/experiment/memory.hpp"
#include "sim/experiment/minor_kinds.hpp"

namespace paceline {
namespace {

void read_placement(Reader& in, ClusterSpec& cluster) {
  const std::string help =
      "of workers, then servers: packed in order, spread in turn over hosts, random by the seed; or a list of nodes";
  const std::vector<std::string> rules{"packed", "spread", "random"};
  std::string rule;
  for (std::int64_t node : in.choice_or_integers("placement", {.choices = rules, .fallback = "packed", .help = help},
                                                 {.minimum = 0, .maximum = (1 << 20) - 1}, rule))
    cluster.given_nodes.push_back(int(node));
  cluster.placement = rule == "spread" ? Placement::spread : rule == "random" ? Placement::random : Placement::packed;
  if (!cluster.given_nodes.empty() && int(cluster.given_nodes.size()) < cluster.workers)
    in.fail("placement", fmt::format("names {} nodes for {} workers", cluster.given_nodes.size(), cluster.workers));
}

void read_servers(Reader& in, ServerSpec& servers) {
  servers.count = int(in.integer("count", {.minimum = 1,
                                           .maximum = 65536,
                                           .fallback = 1,
                                           .help = "parameter servers; each holds a slice of the parameters"}));
  servers.colocated = in.text("placement", {.choices = {"dedicated", "colocated"},
                                            .fallback = "dedicated",
                                            .help = "on nodes of their own, or on the workers' nodes"}) == "colocated";
  servers.service = in.duration("service", {.fallback = 0, .help = "of a request, besides the update"});
  servers.jitter = in.kind("jitter", jitters::all(), {.fallback = "constant", .help = "on the service, by request"});
  servers.series =
      in.text("shards", {.choices = {"parallel", "series"},
                         .fallback = "parallel",
                         .help = "a worker visits all servers at once, or one after the other"}) == "series";
}

Fidelity read_fidelity(Reader& in) {
  const std::vector<std::string> names{"auto", "fluid", "fused", "analytic"};
  const std::string name =
      in.text("fidelity",
              {.choices = names,
               .fallback = "auto",
               .help = "fluid: every message of a collective is a transfer; fused: all messages of a phase between two "
                       "ranks are one flow; analytic: closed forms; auto: fluid up to 64 ranks, fused above"});
  return Fidelity(std::find(names.begin(), names.end(), name) - names.begin());
}

void read_network(Reader& in, ClusterSpec& cluster) {
  cluster.fidelity = read_fidelity(in);
  NetworkOptions& network = cluster.network;
  network.per_message_overhead = span_of(
      in.duration("per_message_overhead",
                  {.maximum = 3600, .fallback = 0, .help = "before the bytes of every message, besides latencies"}));
  network.bandwidth_efficiency = in.number("bandwidth_efficiency", {.minimum = 0,
                                                                    .maximum = 1,
                                                                    .above_minimum = true,
                                                                    .fallback = 1,
                                                                    .help = "payload over wire bytes, of every link"});
  network.sharing_noise = in.number(
      "sharing_noise",
      {.minimum = 0, .maximum = 3, .fallback = 0, .help = "sigma of a lognormal weight of each flow; 0: equal shares"});
  const double interval = in.duration(
      "sharing_interval",
      {.maximum = 1e6, .fallback = 0, .help = "how often these weights are drawn anew; 0s: once, at a flow's start"});
  network.sharing_interval = span_of(interval);
  if (interval > 0 && interval < 1e-6) in.fail("sharing_interval", "must be 0s or at least 1us");
  if (interval > 0 && network.sharing_noise == 0)
    in.fail("sharing_interval", "means nothing without \"sharing_noise\": there are no weights to draw");
}

MemoryCheck read_memory_check(Reader& in) {
  const std::vector<std::string> names{"error", "warn", "off"};
  const std::string name = in.text(
      "memory_check",
      {.choices = names,
       .fallback = "error",
       .help = "where parameters, gradients, optimizer state and activations are more than the device's memory"});
  return MemoryCheck(std::find(names.begin(), names.end(), name) - names.begin());
}

void read_cluster(Reader& in, ClusterSpec& cluster) {
  cluster.workers = int(in.integer("workers", {.minimum = 1, .maximum = 1 << 20, .help = "devices that train"}));
  in.need("workers");
  in.context().workers = cluster.workers;
  cluster.topology =
      in.kind_or_file("topology", topologies::all(), {.help = "nodes and links: a path, or the object itself"});
  in.object("network", "how the network is simulated", [&](Reader& network) { read_network(network, cluster); });
  read_placement(in, cluster);
  DeviceSpec device;
  std::string shown;
  const bool given =
      in.object("device", "what every worker computes on; needed by the costs model and profile", [&](Reader& own) {
        if (own.describing() || own.present()) device = read_device(own, shown);
      });
  if (given) {
    cluster.devices.assign(std::size_t(cluster.workers), device);
    cluster.device_names.assign(std::size_t(cluster.workers), shown);
  }
  in.objects("devices", "overrides for some workers", [&](Reader& entry) {
    const std::vector<int> workers = entry.workers("workers", "whose device it is");
    DeviceSpec own;
    std::string own_name;
    entry.object(
        "device", "what they compute on", [&](Reader& keys) { own = read_device(keys, own_name); }, true);
    if (!given && !entry.describing()) entry.fail("device", "overrides cluster.device, which is not given");
    for (int w : workers) {
      if (!given) continue;
      cluster.devices[std::size_t(w)] = own;
      cluster.device_names[std::size_t(w)] = own_name;
    }
  });
  cluster.memory_check = read_memory_check(in);
  in.object("servers", "parameter servers, where the strategy uses them",
            [&](Reader& servers) { read_servers(servers, cluster.servers); });
  cluster.jitter = in.kind("jitter", jitters::all(),
                           {.fallback = "constant", .help = "factor on every compute duration, by worker and step"});
  cluster.communication_slowdown =
      in.number("communication_slowdown",
                {.minimum = 1, .maximum = 1e6, .fallback = 1, .help = "on compute, while its worker communicates"});
  cluster.stragglers = in.kinds("stragglers", stragglers::all(), "what slows workers down; factors multiply");
  cluster.failures = in.kinds("failures", failures::all(), "what breaks, when, and for how long");
  cluster.link_events = in.kinds("link_events", link_events::all(), "what happens to links on the way");
  cluster.background = in.kinds("background_traffic", backgrounds::all(), "flows of others on the same links");
  const bool links_fail = std::any_of(cluster.failures.begin(), cluster.failures.end(),
                                      [](const FailureMaker& each) { return each.of == FailureMaker::Of::links; });
  if (cluster.fidelity == Fidelity::analytic &&
      !(cluster.link_events.empty() && cluster.background.empty() && !links_fail))
    in.fail(
        "network",
        "\"analytic\" knows nothing of link events, of links that fail and of the traffic of others: take \"fused\"");
}

void read_workload(Reader& in, Spec& spec) {
  spec.model = in.kind("model", models::all(), {.help = "what is trained"});
  spec.dataset = in.kind("dataset", datasets::all(), {.help = "on what"});
  for (std::int64_t size :
       in.per_worker("batch_size", {.minimum = 1, .maximum = 1 << 20, .help = "samples per worker and step"}))
    spec.batch_sizes.push_back(int(size));
  spec.shuffled = in.kind("order", orders::all(), {.fallback = "shuffled", .help = "in which order samples are taken"});
  spec.partition = in.kind("partition", partitions::all(), {.fallback = "shared", .help = "who gets which data"});
  spec.balance = in.kind_or_name("balance", balances::all(),
                                 {.fallback = "none", .help = "how the samples of a step are shared out"});
  spec.cost = in.kind("cost", costs::all(), {.help = "what a step costs in time and bytes"});
}

void read_evaluate(Reader& in, EvaluateRule& rule) {
  in.object("every", "whichever comes first; without it only at the end", [&](Reader& every) {
    rule.steps = every.optional_integer("steps", {.minimum = 1, .help = "of the run"});
    rule.epochs =
        every.optional_number("epochs", {.minimum = 0, .above_minimum = true, .help = "passes over the training set"});
    rule.time = every.optional_duration("time", {.above_minimum = true, .help = "simulated"});
  });
}

void read_stop(Reader& in, StopRule& rule) {
  rule.epochs =
      in.optional_number("epochs", {.minimum = 0, .above_minimum = true, .help = "passes over the training set"});
  rule.steps = in.optional_integer("steps", {.minimum = 1, .help = "iterations, or completed batches over workers"});
  rule.updates = in.optional_integer("updates", {.minimum = 1, .help = "changes of the global parameters"});
  rule.time = in.optional_duration("time", {.above_minimum = true, .help = "simulated"});
  rule.accuracy = in.optional_number(
      "accuracy",
      {.minimum = 0, .maximum = 1, .above_minimum = true, .help = "on the test set, checked at evaluations"});
  if (in.describing()) return;
  in.finish();  // a misspelt key is the better message
  if (!rule.epochs && !rule.steps && !rule.updates && !rule.time && !rule.accuracy)
    in.fail("", "needs at least one bound: epochs, steps, updates, time or accuracy");
}

void read_training(Reader& in, Spec& spec) {
  spec.strategy = in.kind("strategy", strategies::all(), {.help = "how workers train together"});
  spec.optimizer = in.kind("optimizer", optimizers::all(), {.help = "what turns gradients into the next parameters"});
  spec.schedule =
      in.kind("schedule", schedules::all(), {.fallback = "constant", .help = "factor on the learning rate"});
  spec.compression = in.kind("compression", compressors::all(), {.fallback = "none", .help = "of what workers send"});
  const std::optional<RecoverySpec> recovery = read_recovery(in);
  spec.recovers = recovery.has_value();
  spec.recovery = recovery.value_or(RecoverySpec{});
  in.object("evaluate", "on the test set; takes no simulated time",
            [&](Reader& evaluate) { read_evaluate(evaluate, spec.evaluate); });
  in.object(
      "stop", "whichever bound comes first", [&](Reader& stop) { read_stop(stop, spec.stop); }, true);
  if (in.describing()) return;
  if (spec.strategy.server_momentum > 0) {
    if (spec.optimizer.momentum > 0)
      in.fail("strategy", "server_momentum and the optimizer's momentum are the same thing: give one of them");
    if (!spec.optimizer.with_momentum) in.fail("strategy", "server_momentum needs an optimizer with momentum");
    spec.optimizer = spec.optimizer.with_momentum(spec.strategy.server_momentum);
  }
  if (spec.compression.make && !spec.strategy.sends_gradients)
    in.fail("compression",
            "is of gradients; this strategy sends parameters, or combines gradients in a way of its own");
  if (spec.recovery.elastic && spec.cluster.devices_fail()) {
    if (!spec.strategy.shrinks)
      in.fail("recovery", "cannot be elastic: this strategy does not go on with some of its workers");
    if (spec.compression.make) in.fail("recovery", "cannot be elastic where gradients are compressed");
  }
  if (spec.recovery.checkpoint && spec.strategy.fails_alone && !spec.strategy.switches)
    in.note("recovery", "its checkpoint is not used: under this strategy a worker that fails is lost alone");
  if (spec.balance.make && spec.cluster.devices_fail())
    in.fail("recovery", "cannot be of workload.balance \"dynamic\" or \"work_stealing\" yet: take \"static\"");
  const StopRule& stop = spec.stop;
  const bool only_accuracy = stop.accuracy && !stop.epochs && !stop.steps && !stop.updates && !stop.time;
  const bool evaluates = spec.evaluate.steps || spec.evaluate.epochs || spec.evaluate.time;
  if (stop.accuracy && !evaluates)
    in.fail("stop", "the accuracy is checked at evaluations, and training.evaluate.every is not given");
  if (spec.strategy.awaits_accuracy && (!evaluates || !spec.numerics))
    in.fail("strategy", evaluates ? "a phase waits for an accuracy, which is never known without numerics"
                                  : "a phase waits for an accuracy: it is checked at evaluations, and "
                                    "training.evaluate.every is not given");
  if (only_accuracy && !spec.numerics)
    in.fail("stop", "accuracy is never reached without numerics: give another bound, too");
}

// Links and nodes that link events, failures and background traffic name.
void check_links(const Node& root, const ClusterSpec& cluster, int nodes) {
  const auto fail = [&](std::string_view list, std::size_t i, std::string_view key, const std::string& rule) {
    const Node& entry = root.find("cluster")->find(list)->items[i];
    const Node* at = entry.find(key);
    throw ConfigError(at ? at->place : entry.place, fmt::format("/cluster/{}/{}/{}", list, i, key), rule);
  };
  for (std::size_t i = 0; i < cluster.background.size(); ++i)
    for (const auto& [key, own] : {std::pair("from", &cluster.background[i].from), {"to", &cluster.background[i].to}})
      for (const int node : *own)
        if (node >= nodes)
          fail("background_traffic", i, key,
               fmt::format("there is no node {}: the topology has {}, numbered from 0", node, nodes));
  const auto link_fails = [](const FailureMaker& each) { return each.of == FailureMaker::Of::links; };
  const bool links_fail = std::any_of(cluster.failures.begin(), cluster.failures.end(), link_fails);
  if (cluster.link_events.empty() && !links_fail) return;
  const auto topology = cluster.topology.build(nodes);
  for (std::size_t i = 0; i < cluster.link_events.size(); ++i) {
    const LinkEventMaker& event = cluster.link_events[i];
    if (links_named(*topology, event.pattern).empty())
      fail("link_events", i, event.key,
           fmt::format("there is no link \"{}\"{}", event.pattern, nearest_link(*topology, event.pattern)));
  }
  for (std::size_t i = 0; i < cluster.failures.size(); ++i) {
    const FailureMaker& failure = cluster.failures[i];
    if (link_fails(failure) && links_named(*topology, failure.link).empty())
      fail("failures", i, "links",
           fmt::format("there is no link \"{}\"{}", failure.link, nearest_link(*topology, failure.link)));
  }
}

// What one section cannot see alone.
void check(const Node& root, Spec& spec) {
  const auto fail = [&](std::string_view section, std::string_view key, const std::string& rule) {
    const Node* at = root.find(section)->find(key);
    throw ConfigError(at ? at->place : root.find(section)->place, fmt::format("/{}/{}", section, key), rule);
  };
  ClusterSpec& cluster = spec.cluster;
  if (!spec.strategy.uses_servers) cluster.servers.count = 0;
  if (cluster.devices_fail() && !spec.recovers)
    fail("cluster", "failures",
         "need training.recovery, as in {\"detection\": \"10s\", \"restart\": \"1min\", \"checkpoint\": {\"interval\": "
         "\"daly\", \"cost\": \"30s\"}}");
  if (spec.optimizer.clips && cluster.servers.count > 1)
    fail("training", "optimizer",
         "clip goes by the norm of the whole gradient, which none of several servers has: take one server, or none");
  const int needed = cluster.nodes_needed();
  const int nodes = cluster.topology.room(needed);
  std::vector<bool> taken(static_cast<std::size_t>(nodes), false);
  std::vector<int>& given = cluster.given_nodes;
  for (int node : given) {
    if (node >= nodes)
      fail("cluster", "placement",
           fmt::format("there is no node {}: the topology has {}, numbered from 0", node, nodes));
    taken[std::size_t(node)] = true;
  }
  if (!given.empty()) {
    for (int node = 0; node < nodes && int(given.size()) < needed; ++node)
      if (!taken[std::size_t(node)]) given.push_back(node);
    given.resize(std::size_t(std::min<int>(needed, int(given.size()))));
  }
  if (needed > (given.empty() ? nodes : int(given.size())))
    fail("cluster", "topology",
         fmt::format("has {} nodes; {} workers and {} dedicated servers need {}", nodes, cluster.workers,
                     cluster.dedicated_servers(), needed));
  check_links(root, cluster, nodes);
  if (spec.partition.needs_devices && cluster.devices.empty())
    fail("workload", "partition", "goes by the speed of the devices, and cluster.device is not given");
  if (spec.balance.make && !spec.strategy.balances)
    fail("workload", "balance",
         "shares out every step of all workers anew: it needs the strategy \"bsp\", with \"accumulate\" 1 and "
         "\"averaging\" \"weighted\"");
  if (spec.cost.needs_device && cluster.devices.empty())
    fail("cluster", "device",
         "missing: the cost is reckoned from it, as in {\"peak\": \"15.7TFLOPS\", "
         "\"efficiency\": 0.4, "
         "\"memory_bandwidth\": \"900GBps\", \"launch_overhead\": \"10us\"}");
  const DataShape data = spec.dataset.shape();
  try {
    const std::shared_ptr<const Model> model = spec.model.make(data);
    const std::string excess = cluster.memory_check == MemoryCheck::off ? "" : memory_excess(spec, *model);
    if (!excess.empty() && cluster.memory_check == MemoryCheck::error) fail("cluster", "device", excess);
    if (!excess.empty()) spec.notes.push_back("warning: /cluster/device: " + excess);
  } catch (const Misfit& misfit) { fail("workload", "model", misfit.rule); }
  if (spec.stop.accuracy && data.labels == 0)
    fail("training", "stop", "accuracy is never reached: the data set has no classes; give another bound");
}

}  // namespace

void read_scenario(Reader& in, Spec& spec) {
  in.ignore("$schema", "text", "for editors");
  in.integer("schema_version", {.minimum = 1, .maximum = 1, .fallback = 1, .help = "of this format"});
  in.ignore("extends", "text or texts",
            "a path or a list of paths, relative to the file: objects are merged deeply, arrays replaced, later wins");
  spec.numerics = in.boolean("numerics", true, "false: timing only, nothing is really trained");
  spec.name = in.text("name", {.fallback = spec.name, .help = "of the run and its folder"});
  spec.description = in.text("description", {.fallback = "", .help = "what it shows"});
  spec.seed = std::uint64_t(in.integer("seed", {.minimum = 0, .fallback = 1, .help = "of every random stream"}));
  in.context().seed = spec.seed;
  const auto unfit = [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (!in.describing() && (spec.name.empty() || spec.name.size() > 100 || spec.name[0] == '.' ||
                           std::any_of(spec.name.begin(), spec.name.end(), unfit)))
    in.fail(
        "name",
        fmt::format(
            "names a folder, so it must be 1 to 100 characters, no slash among them and no dot in front, not \"{}\"",
            spec.name.substr(0, 120)));
  in.object(
      "cluster", "what trains", [&](Reader& cluster) { read_cluster(cluster, spec.cluster); }, true);
  in.object(
      "workload", "what is trained, and what it costs", [&](Reader& workload) { read_workload(workload, spec); }, true);
  in.object(
      "training", "how it is trained", [&](Reader& training) { read_training(training, spec); }, true);
  in.object("output", "what is written", [&](Reader& output) {
    spec.write_steps = output.boolean("steps", true, "steps.csv: a row per batch of every worker");
    spec.write_flows = output.boolean("flows", false, "flows.csv: a row per message, with its completion time");
    spec.record_cost = output.boolean("record_cost", false,
                                      "cost.json: what was drawn for every step, for the cost {\"kind\": \"replay\"}");
    spec.write_traffic = output.boolean("traffic", false, "traffic.csv: who sent how much to whom");
    spec.trace.on = output.object("trace", "the run as lanes over simulated time, to look at",
                                  [&](Reader& trace) { spec.trace = read_trace(trace); });
    output.object("checkpoint", "of the simulator itself, to go on with --resume", [&](Reader& checkpoint) {
      spec.checkpoint_wall = checkpoint.duration("wall", {.above_minimum = true,
                                                          .fallback = 300,
                                                          .help = "how often it is written while numbers are computed, "
                                                                  "in wall time; and always when it is interrupted"});
    });
  });
}

void set_key(Node& scenario, const std::string& assignment) {
  expand_devices(scenario);
  set_path(scenario, assignment);
}

void set_key(Node& scenario, std::string_view key, Node value) {
  expand_devices(scenario);
  set_path(scenario, key, std::move(value));
}

Spec parse_scenario(Node document, const std::string& name, const std::vector<std::string>& assignments) {
  for (const std::string& assignment : assignments) set_key(document, assignment);
  expand_devices(document);
  if (const Node* late = document.find("extends"))
    throw ConfigError(late->place, "/extends", "only a file can extend others, before any --set");
  Spec spec;
  spec.name = name;
  Reader::Context context;
  Reader in(document, "", context);
  read_scenario(in, spec);
  in.finish();
  spec.notes = context.notes;
  check(document, spec);
  if (!document.find("name")) document.members.insert(document.members.begin(), {"name", Node::of_text(spec.name), {}});
  spec.resolved = document.dump(2) + "\n";
  // What only labels a run is not part of what it is.
  std::erase_if(document.members, [](const Member& member) {
    return member.key == "name" || member.key == "description" || member.key == "$schema";
  });
  spec.hash = Digest().add(document.canonical()).hex();
  return spec;
}

Spec parse_scenario(const std::string& path, const std::vector<std::string>& assignments) {
  return parse_scenario(read_extended(path), std::filesystem::path(path).stem().string(), assignments);
}

}  // namespace paceline
