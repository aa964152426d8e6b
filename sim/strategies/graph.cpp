#include "sim/strategies/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <queue>
#include <tuple>

#include "sim/core/units.hpp"

namespace paceline {
namespace {

using Does = GraphNode::Does;

// As it is written: ids, and ranks of a collective.
struct Written {
  GraphNode node;
  std::vector<std::int64_t> after;
  Op op = Op::all_reduce;
  std::vector<int> ranks;
};

constexpr Op ops[] = {Op::all_reduce, Op::reduce_scatter, Op::all_gather, Op::broadcast, Op::all_to_all};
constexpr std::int64_t largest_rank = (1 << 20) - 1;

Written read_node(Reader& in) {
  Written made;
  GraphNode& node = made.node;
  node.id = in.integer("id", {.minimum = 0, .help = "any number that no other node of the rank has"});
  in.ignore("name", "text", "what it is");
  made.after = in.integers("after", {.minimum = 0, .help = "ids of the nodes that must be over before it begins"});
  const auto seconds = in.optional_duration("compute", {.maximum = 1e6, .help = "on the rank's device, one at a time"});
  const auto flops = in.optional_number(
      "flops", {.minimum = 0, .help = "a compute, too: reckoned on cluster.device from these, and from `bytes`"});
  const auto send = in.optional_integer(
      "send", {.minimum = 0, .maximum = largest_rank, .help = "a message; the rank that it goes to"});
  const auto receive = in.optional_integer(
      "receive", {.minimum = 0, .maximum = largest_rank, .help = "a message; the rank that it comes from"});
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all{"none"};
    for (const Op op : ops) all.emplace_back(name_of(op));
    return all;
  }();
  const std::string op = in.text("collective", {.choices = names, .fallback = "none", .help = "among `ranks`"});
  const auto bytes = in.optional_bytes(
      "bytes", {.help = "of a message; of a collective, in all; of a compute, to and from the memory of its device"});
  node.tag = in.integer("tag", {.fallback = 0, .help = "tells messages between the same two ranks apart"});
  for (const std::int64_t rank :
       in.integers("ranks", {.minimum = 0, .maximum = largest_rank, .help = "of a collective; left out: all"}))
    made.ranks.push_back(int(rank));
  if (in.describing()) return made;

  const bool message = send || receive, collective = op != "none";
  if (seconds.has_value() + flops.has_value() + send.has_value() + receive.has_value() + collective > 1)
    in.fail("", "must be one of \"compute\", \"flops\", \"send\", \"receive\" and \"collective\", or none of them");
  if ((message || collective) && !bytes)
    in.fail("", fmt::format("missing key \"bytes\": of the {}", message ? "message" : "collective"));
  if (bytes && !message && !collective && !flops)
    in.fail("bytes", "is of a message, of a collective, or of a compute that has \"flops\"");
  if (in.has("tag") && !message) in.fail("tag", "is of a message");
  if (in.has("ranks") && !collective) in.fail("ranks", "is of a collective");
  std::sort(made.ranks.begin(), made.ranks.end());
  if (std::adjacent_find(made.ranks.begin(), made.ranks.end()) != made.ranks.end())
    in.fail("ranks", "must name every rank once");
  node.does = seconds || flops ? Does::compute
              : send           ? Does::send
              : receive        ? Does::receive
              : collective     ? Does::collective
                               : Does::nothing;
  node.seconds = seconds.value_or(NAN);
  node.flops = flops.value_or(0);
  node.bytes = bytes.value_or(0);
  if (message) node.peer = int(send ? *send : *receive);
  if (collective) made.op = ops[std::find(names.begin(), names.end(), op) - names.begin() - 1];
  return made;
}

// A circle among nodes that wait for each other: "3 after 5 after 3".
std::string circle(const std::vector<Written>& nodes, const std::vector<std::vector<std::size_t>>& after,
                   const std::vector<std::size_t>& awaits) {
  std::size_t at = 0;
  while (awaits[at] == 0) ++at;
  std::vector<std::size_t> way;
  for (; std::find(way.begin(), way.end(), at) == way.end();) {
    way.push_back(at);
    at = *std::find_if(after[at].begin(), after[at].end(), [&](std::size_t i) { return awaits[i] > 0; });
  }
  std::string text;
  for (auto i = std::find(way.begin(), way.end(), at); i != way.end(); ++i)
    text += fmt::format("{} after ", nodes[*i].node.id);
  return text + fmt::format("{}", nodes[at].node.id);
}

// Puts a rank's nodes in order, with places in it for ids.
void put_in_order(std::vector<Written>& nodes, const std::function<void(const std::string&)>& fail) {
  std::map<std::int64_t, std::size_t> places;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (!places.emplace(nodes[i].node.id, i).second) fail(fmt::format("two nodes have the id {}", nodes[i].node.id));
  std::vector<std::vector<std::size_t>> after(nodes.size()), next(nodes.size());
  std::vector<std::size_t> awaits(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::vector<std::int64_t>& ids = nodes[i].after;
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    for (const std::int64_t id : ids) {
      const auto found = places.find(id);
      if (found == places.end())
        fail(fmt::format("node {} comes after node {}, which is not there", nodes[i].node.id, id));
      after[i].push_back(found->second);
      next[found->second].push_back(i);
    }
    awaits[i] = after[i].size();
  }
  using Free = std::pair<std::int64_t, std::size_t>;
  std::priority_queue<Free, std::vector<Free>, std::greater<>> free;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (awaits[i] == 0) free.emplace(nodes[i].node.id, i);
  std::vector<std::size_t> order, place(nodes.size());
  while (!free.empty()) {
    const std::size_t i = free.top().second;
    free.pop();
    place[i] = order.size();
    order.push_back(i);
    for (const std::size_t each : next[i])
      if (--awaits[each] == 0) free.emplace(nodes[each].node.id, each);
  }
  if (order.size() < nodes.size()) fail("nodes wait for each other: " + circle(nodes, after, awaits));
  std::vector<Written> ordered;
  for (const std::size_t i : order) {
    ordered.push_back(std::move(nodes[i]));
    for (const std::size_t each : after[i]) ordered.back().node.after.push_back(place[each]);
  }
  nodes = std::move(ordered);
}

class Joining {
 public:
  using Fail = std::function<void(const std::string&)>;
  Joining(std::vector<std::vector<Written>> written, Fail fail)
      : written_(std::move(written)), fail_(std::move(fail)) {}

  std::shared_ptr<const Graph> graph() {
    join_messages();
    join_collectives();
    for (std::vector<Written>& nodes : written_) {
      auto& rank = graph_->ranks.emplace_back();
      for (Written& each : nodes) rank.push_back(std::move(each.node));
      for (std::size_t i = 0; i < rank.size(); ++i)
        for (const std::size_t before : rank[i].after) rank[before].next.push_back(i);
    }
    rehearse();
    return graph_;
  }

 private:
  GraphNode& node(int rank, std::size_t place) { return written_[std::size_t(rank)][place].node; }
  int size() const { return int(written_.size()); }

  void join_messages() {
    std::map<std::tuple<int, int, std::int64_t>, std::pair<std::vector<std::size_t>, std::vector<std::size_t>>> all;
    for (int rank = 0; rank < size(); ++rank)
      for (std::size_t i = 0; i < written_[std::size_t(rank)].size(); ++i) {
        const GraphNode& each = node(rank, i);
        if (each.does != Does::send && each.does != Does::receive) continue;
        if (each.peer >= size())
          fail_(fmt::format("node {} of rank {} names rank {}; there are {}, numbered from 0", each.id, rank, each.peer,
                            size()));
        if (each.peer == rank) fail_(fmt::format("node {} of rank {} is a message to itself", each.id, rank));
        if (each.does == Does::send) all[{rank, each.peer, each.tag}].first.push_back(i);
        else all[{each.peer, rank, each.tag}].second.push_back(i);
      }
    for (const auto& [what, ends] : all) {
      const auto& [from, to, tag] = what;
      const auto& [sends, receives] = ends;
      if (sends.size() != receives.size())
        fail_(fmt::format("rank {} sends {} messages with tag {} to rank {}, which receives {}", from, sends.size(),
                          tag, to, receives.size()));
      for (std::size_t k = 0; k < sends.size(); ++k) {
        GraphNode &send = node(from, sends[k]), &receive = node(to, receives[k]);
        if (send.bytes != receive.bytes)
          fail_(fmt::format("node {} of rank {} sends {} bytes, which node {} of rank {} receives as {}", send.id, from,
                            send.bytes, receive.id, to, receive.bytes));
        send.other = receives[k];
        receive.other = sends[k];
      }
    }
  }

  void join_collectives() {
    std::vector<int> everybody;
    for (int rank = 0; rank < size(); ++rank) everybody.push_back(rank);
    std::map<std::vector<int>, std::vector<std::vector<std::size_t>>> all;  // nodes by group and rank of it
    for (int rank = 0; rank < size(); ++rank)
      for (std::size_t i = 0; i < written_[std::size_t(rank)].size(); ++i) {
        if (node(rank, i).does != Does::collective) continue;
        const std::vector<int>& given = written_[std::size_t(rank)][i].ranks;
        const std::vector<int>& group = given.empty() ? everybody : given;
        const auto mine = std::lower_bound(group.begin(), group.end(), rank);
        if (group.back() >= size())
          fail_(fmt::format("node {} of rank {} names rank {}; there are {}, numbered from 0", node(rank, i).id, rank,
                            group.back(), size()));
        if (mine == group.end() || *mine != rank)
          fail_(fmt::format("node {} of rank {} is a collective of ranks {}, without its own", node(rank, i).id, rank,
                            fmt::join(group, ", ")));
        auto& nodes = all[group];
        nodes.resize(group.size());
        nodes[std::size_t(mine - group.begin())].push_back(i);
      }
    for (const auto& [group, nodes] : all) {
      graph_->groups.push_back(group);
      for (std::size_t k = 0; k < nodes[0].size() || k == 0; ++k) join_collective(group, nodes, k);
    }
  }

  void join_collective(const std::vector<int>& group, const std::vector<std::vector<std::size_t>>& nodes,
                       std::size_t k) {
    const auto name = [&] { return fmt::format("of ranks {}", fmt::join(group, ", ")); };
    for (std::size_t r = 0; r < group.size(); ++r)
      if (nodes[r].size() != nodes[0].size())
        fail_(fmt::format("rank {} has {} collectives {}, rank {} has {}", group[0], nodes[0].size(), name(), group[r],
                          nodes[r].size()));
    const Written& first = written_[std::size_t(group[0])][nodes[0][k]];
    GraphCollective made{first.op, first.node.bytes, graph_->groups.size() - 1, {}};
    for (std::size_t r = 0; r < group.size(); ++r) {
      Written& own = written_[std::size_t(group[r])][nodes[r][k]];
      if (own.op != first.op || own.node.bytes != first.node.bytes)
        fail_(
            fmt::format("collective {} {} is {} of {} bytes for node {} of rank {}, {} of {} bytes for node {} of "
                        "rank {}",
                        k, name(), name_of(first.op), first.node.bytes, first.node.id, group[0], name_of(own.op),
                        own.node.bytes, own.node.id, group[r]));
      own.node.other = graph_->collectives.size();
      if (k > 0 && std::find(own.node.after.begin(), own.node.after.end(), nodes[r][k - 1]) == own.node.after.end())
        own.node.after.push_back(nodes[r][k - 1]);
      made.nodes.push_back(nodes[r][k]);
    }
    graph_->collectives.push_back(std::move(made));
  }

  // Goes through it, as if nothing took time: messages, and the last to join a collective, may wait for each other
  // across ranks.
  void rehearse() {
    std::vector<std::vector<std::size_t>> awaits;
    std::vector<std::pair<int, std::size_t>> free;
    std::vector<std::size_t> joined(graph_->collectives.size());
    for (int rank = 0; rank < size(); ++rank) {
      auto& mine = awaits.emplace_back();
      for (const GraphNode& each : graph_->ranks[std::size_t(rank)]) {
        mine.push_back(each.after.size() + (each.does == Does::receive || each.does == Does::collective));
        if (mine.back() == 0) free.emplace_back(rank, mine.size() - 1);
      }
    }
    const auto less = [&](int rank, std::size_t place) {
      std::size_t& left = awaits[std::size_t(rank)][place];
      if (--left == 0) free.emplace_back(rank, place);
      const GraphNode& each = graph_->ranks[std::size_t(rank)][place];
      if (left != 1 || each.does != Does::collective) return;
      const GraphCollective& all = graph_->collectives[each.other];
      const std::vector<int>& group = graph_->groups[all.group];
      if (++joined[each.other] < group.size()) return;
      for (std::size_t r = 0; r < group.size(); ++r) {
        awaits[std::size_t(group[r])][all.nodes[r]] = 0;
        free.emplace_back(group[r], all.nodes[r]);
      }
    };
    for (int rank = 0; rank < size(); ++rank)  // those that may join at once: as if they had just become free
      for (std::size_t i = 0; i < graph_->ranks[std::size_t(rank)].size(); ++i)
        if (const GraphNode& each = graph_->ranks[std::size_t(rank)][i];
            each.does == Does::collective && each.after.empty()) {
          ++awaits[std::size_t(rank)][i];
          less(rank, i);
        }
    std::size_t left = 0;
    for (const auto& mine : awaits) left += mine.size();
    for (; !free.empty(); --left) {
      const auto [rank, place] = free.back();
      free.pop_back();
      const GraphNode& each = graph_->ranks[std::size_t(rank)][place];
      if (each.does == Does::send) less(each.peer, each.other);
      for (const std::size_t after : each.next) less(rank, after);
    }
    if (left > 0) report_stuck(awaits);
  }

  void report_stuck(const std::vector<std::vector<std::size_t>>& awaits) {
    constexpr std::size_t shown = 4;
    std::vector<std::string> stuck;
    std::size_t more = 0;
    for (int rank = 0; rank < size(); ++rank)
      for (std::size_t i = 0; i < awaits[std::size_t(rank)].size(); ++i) {
        const GraphNode& each = graph_->ranks[std::size_t(rank)][i];
        if (awaits[std::size_t(rank)][i] != 1 || (each.does != Does::receive && each.does != Does::collective))
          continue;
        const auto& mine = awaits[std::size_t(rank)];
        if (std::any_of(each.after.begin(), each.after.end(), [&](std::size_t before) { return mine[before] > 0; }))
          continue;
        if (stuck.size() == shown) ++more;
        else if (each.does == Does::receive)
          stuck.push_back(fmt::format("node {} of rank {} for a message of rank {}", each.id, rank, each.peer));
        else stuck.push_back(fmt::format("node {} of rank {} for the others of its collective", each.id, rank));
      }
    fail_(fmt::format("never comes to its end; there wait for ever: {}{}", fmt::join(stuck, "; "),
                      more ? fmt::format("; and {} more", more) : ""));
  }

  std::vector<std::vector<Written>> written_;
  Fail fail_;
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
};

}  // namespace

std::shared_ptr<const Graph> read_graph(Reader& in) {
  std::vector<std::vector<Written>> ranks;
  in.document("graph", "what every rank does in a step: a path, or the object itself", [&](Reader& graph) {
    graph.ignore("source", "text", "where it is from");
    graph.objects("ranks", "an entry for each worker, in order; or one that is every worker's", [&](Reader& rank) {
      auto& nodes = ranks.emplace_back();
      rank.objects("nodes", "in any order", [&](Reader& node) { nodes.push_back(read_node(node)); });
      if (rank.describing()) return;
      put_in_order(nodes, [&](const std::string& rule) { rank.fail("nodes", rule); });
    });
  });
  if (in.describing() || !in.has("graph")) return nullptr;
  const int workers = in.context().workers;
  if (ranks.size() == 1) ranks.resize(std::size_t(workers), ranks[0]);
  if (int(ranks.size()) != workers)
    in.fail("graph", fmt::format("has {} ranks; cluster.workers is {}", ranks.size(), workers));
  return Joining(std::move(ranks), [&in](const std::string& rule) { in.fail("graph", rule); }).graph();
}

}  // namespace paceline
