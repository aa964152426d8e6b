#include "sim/experiment/import/chakra.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <queue>

#include "sim/core/document.hpp"
#include "sim/experiment/import/chakra_trace.hpp"
#include "sim/strategies/graph.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;
using Type = ChakraNode::Type;
using Collective = ChakraNode::Collective;
using Groups = std::map<std::string, std::vector<int>>;

// NAME.7.et: the name and 7.
std::optional<std::pair<std::string, std::size_t>> name_and_rank(const fs::path& path) {
  const std::string name = path.filename().string();
  if (path.extension() != ".et") return std::nullopt;
  const std::size_t dot = name.rfind('.', name.size() - 4);
  std::size_t rank = 0;
  if (dot == name.npos) return std::nullopt;
  const char* const end = name.data() + name.size() - 3;
  const auto [stop, error] = std::from_chars(name.data() + dot + 1, end, rank);
  if (error != std::errc{} || stop != end || stop == name.data() + dot + 1) return std::nullopt;
  return std::pair(name.substr(0, dot), rank);
}

// Files whose names tell their ranks, in that order. None may be missing.
std::vector<std::string> in_order(const std::vector<std::string>& files) {
  std::map<std::size_t, std::string> ranks;
  std::string name;
  for (const std::string& file : files) {
    const auto [own, rank] = name_and_rank(file).value();
    if (!ranks.empty() && own != name)
      throw ConfigError(fmt::format("{}: is of another trace than {}: name the path before .0.et of one", file,
                                    ranks.begin()->second));
    name = own;
    if (!ranks.emplace(rank, file).second) throw ConfigError(fmt::format("{}: is given twice", file));
  }
  std::vector<std::string> ordered;
  for (const auto& [rank, file] : ranks) {
    if (rank != ordered.size())
      throw ConfigError(
          fmt::format("{}: there is no rank {}, {}.{}.et, before it", file, ordered.size(), name, ordered.size()));
    ordered.push_back(file);
  }
  return ordered;
}

std::vector<std::string> files_of(const std::vector<std::string>& given) {
  const auto told = [](const std::string& file) { return name_and_rank(file).has_value(); };
  std::vector<std::string> files;
  std::error_code error;
  if (given.size() == 1 && !fs::is_regular_file(given[0], error)) {
    const bool folder = fs::is_directory(given[0], error);
    const fs::path path = given[0];
    const fs::path in = folder ? path : path.has_parent_path() ? path.parent_path() : fs::path(".");
    for (const auto& entry : fs::directory_iterator(in, error))
      if (const auto named = name_and_rank(entry.path()); named && (folder || named->first == path.filename()))
        files.push_back(entry.path().string());
    if (files.empty())
      throw ConfigError(
          fmt::format("{}: no such trace: neither {}.0.et nor a folder with NAME.0.et", given[0], given[0]));
    std::sort(files.begin(), files.end());
    return in_order(files);
  }
  return given.size() > 1 && std::all_of(given.begin(), given.end(), told) ? in_order(given) : given;
}

std::vector<int> ranks_of(const nlohmann::json& list) {
  std::vector<int> ranks;
  if (!list.is_array()) throw nlohmann::json::other_error::create(0, "must be a list of ranks", &list);
  for (const auto& each : list) ranks.push_back(each.get<int>());
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

Groups read_groups(const std::string& path) {
  if (path.empty()) return {};
  Groups groups;
  try {
    const auto all = nlohmann::json::parse(read_file(path, largest_document));
    for (const auto& [name, ranks] : all.items()) groups[name] = ranks_of(ranks);
  } catch (const nlohmann::json::exception& error) {
    throw ConfigError(
        fmt::format(R"({}: must be groups with their ranks, as in {{"1": [0, 1]}}: {})", path, error.what()));
  }
  return groups;
}

// Of PyTorch's process groups, which a node holds as JSON, sometimes inside of a text: [{"pg_name": "1", "ranks": [0,
// 1]}]
void add_process_groups(std::string text, Groups& groups) {
  const std::size_t from = text.find("[{"), until = text.rfind("}]");
  if (from == text.npos || until == text.npos || until < from) return;
  text = text.substr(from, until + 2 - from);
  for (std::size_t at = 0; (at = text.find("\\\"", at)) != text.npos;) text.erase(at, 1);
  const auto all = nlohmann::json::parse(text, nullptr, false);
  if (!all.is_array()) return;
  for (const auto& each : all) {
    if (!each.is_object() || !each.contains("pg_name") || !each.contains("ranks")) continue;
    const auto& name = each["pg_name"];
    try {
      groups.emplace(name.is_string() ? name.get<std::string>() : name.dump(), ranks_of(each["ranks"]));
    } catch (const nlohmann::json::exception&) {}
  }
}

// What all files together left out, as sentences with counts.
class Counts {
 public:
  void add(const std::string& what, std::int64_t count = 1) { counts_[what] += count; }
  std::vector<std::string> notes() const {
    std::vector<std::string> all;
    for (const auto& [what, count] : counts_) all.push_back(fmt::format(fmt::runtime(what), count));
    return all;
  }

 private:
  std::map<std::string, std::int64_t> counts_;
};

class OneRank {
 public:
  OneRank(std::string file, int rank, int ranks, const Groups& groups, Counts& counts)
      : file_(std::move(file)),
        trace_(read_chakra(file_)),
        rank_(rank),
        ranks_(ranks),
        groups_(groups),
        counts_(counts) {
    for (const ChakraNode& node : trace_.nodes) add_process_groups(node.inputs, own_groups_);
    made_.file = file_;
    made_.nodes = std::int64_t(trace_.nodes.size());
    for (std::size_t i = 0; i < trace_.nodes.size(); ++i)
      if (!places_.emplace(trace_.nodes[i].id, i).second) fail(trace_.nodes[i], "is there twice");
  }

  const std::string& schema() const { return trace_.schema; }
  bool needs_device() const { return needs_device_; }
  const ChakraImport::Rank& made() const { return made_; }

  // The nodes, a line each. What is left out hands on what it came after.
  std::string graph() {
    std::vector<std::vector<std::size_t>> stands_for(trace_.nodes.size());
    std::vector<std::string> lines(trace_.nodes.size());
    for (const std::size_t i : in_order_of_dependencies()) {
      std::vector<std::size_t> after;
      for (const std::size_t before : after_[i])
        after.insert(after.end(), stands_for[before].begin(), stands_for[before].end());
      std::sort(after.begin(), after.end());
      after.erase(std::unique(after.begin(), after.end()), after.end());
      const ChakraNode& node = trace_.nodes[i];
      const std::string what = describe(node);
      if (what.empty() && (after.size() < 2 || !is_awaited_[i])) {
        stands_for[i] = std::move(after);
        continue;
      }
      stands_for[i] = {i};
      lines[i] = fmt::format(R"({{"id": {}, "name": {}{})", node.id, quoted(node.name), what);
      if (!after.empty()) {
        std::vector<std::uint64_t> ids;
        for (const std::size_t each : after) ids.push_back(trace_.nodes[each].id);
        std::sort(ids.begin(), ids.end());
        lines[i] += fmt::format(R"(, "after": [{}])", fmt::join(ids, ", "));
      }
      lines[i] += "}";
    }
    std::erase(lines, "");
    return fmt::format("{{\"nodes\": [\n{}\n]}}", fmt::join(lines, ",\n"));
  }

 private:
  [[noreturn]] void fail(const ChakraNode& node, const std::string& rule) const {
    throw ConfigError(fmt::format("{}: node {}, {}: {}", file_, node.id, quoted(node.name), rule));
  }
  static std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  std::vector<std::size_t> in_order_of_dependencies() {
    const std::size_t size = trace_.nodes.size();
    after_.resize(size);
    is_awaited_.resize(size);
    std::vector<std::vector<std::size_t>> next(size);
    std::vector<std::size_t> awaits(size), order;
    for (std::size_t i = 0; i < size; ++i) {
      for (const std::uint64_t id : trace_.nodes[i].after) {
        const auto found = places_.find(id);
        ++made_.dependencies;
        if (found == places_.end()) {
          counts_.add("{} dependencies on nodes that are not in the files are left out");
          continue;
        }
        after_[i].push_back(found->second);
        next[found->second].push_back(i);
        is_awaited_[found->second] = true;
      }
      awaits[i] = after_[i].size();
      if (awaits[i] == 0) order.push_back(i);
    }
    for (std::size_t k = 0; k < order.size(); ++k)
      for (const std::size_t each : next[order[k]])
        if (--awaits[each] == 0) order.push_back(each);
    if (order.size() < size) {
      std::size_t stuck = 0;
      while (awaits[stuck] == 0) ++stuck;
      fail(trace_.nodes[stuck],
           fmt::format("it, and {} others, come after each other, or after such", size - order.size() - 1));
    }
    return order;
  }

  // Its keys; "": it is left out.
  std::string describe(const ChakraNode& node) {
    switch (node.type) {
      case Type::compute:
        return compute(node);
      case Type::send:
      case Type::receive:
        return message(node, node.type == Type::send);
      case Type::collective:
        return collective(node);
      case Type::memory_load:
      case Type::memory_store:
        return left_out("{} loads and stores of remote memory are left out: devices here have none");
      case Type::storage:
      case Type::checkpoint:
        return left_out("{} operations of storage are left out");
      case Type::metadata:
      case Type::batch:
      case Type::invalid:
        break;
    }
    return left_out("");
  }
  std::string left_out(const std::string& note) {
    ++made_.left_out;
    if (!note.empty()) counts_.add(note);
    return "";
  }

  // An attribute that counts something.
  double count(const ChakraNode& node, const char* attribute, std::optional<double> fallback = {}) const {
    const auto number = node.number(attribute);
    if (!number && !fallback) fail(node, fmt::format("has no attribute \"{}\"", attribute));
    if (number && !(*number >= 0 && *number <= 0x1p53)) fail(node, fmt::format("its \"{}\" is {}", attribute, *number));
    return number.value_or(fallback.value_or(0));
  }

  std::string compute(const ChakraNode& node) {
    if (node.number("is_cpu_op").value_or(0) != 0 || node.number("is_host_op").value_or(0) != 0)
      return left_out("{} operations of the host are left out: only devices take time");
    const double operations = count(node, "num_ops", 0), moved = count(node, "tensor_size", 0);
    if (node.micros == 0 && operations == 0 && moved == 0)
      return left_out("{} computes are left out that have neither a time nor operations");
    ++made_.computes;
    if (node.micros > 0) {
      made_.compute += node.micros * 1e-6;
      return fmt::format(R"(, "compute": "{}us")", node.micros);
    }
    needs_device_ = true;
    return fmt::format(R"(, "flops": {}, "bytes": "{:.0f}B")", operations, moved);
  }

  std::string message(const ChakraNode& node, bool sends) {
    const double own = count(node, sends ? "comm_src" : "comm_dst", rank_), size = count(node, "comm_size");
    if (own != rank_)
      fail(node, fmt::format("is a message {} rank {}, in the trace of rank {}", sends ? "from" : "to", own, rank_));
    if (node.micros > 0) counts_.add("{} measured times of messages and collectives are left out: these are simulated");
    ++(sends ? made_.sends : made_.receives);
    (sends ? made_.sent : made_.received) += size;
    const auto tag = std::int64_t(count(node, "comm_tag", 0));
    return fmt::format(R"(, "{}": {}, "bytes": "{:.0f}B"{})", sends ? "send" : "receive",
                       count(node, sends ? "comm_dst" : "comm_src"), size,
                       tag ? fmt::format(R"(, "tag": {})", tag) : "");
  }

  // Empty: all.
  std::vector<int> group(const ChakraNode& node) const {
    if (std::find(node.involved.begin(), node.involved.end(), false) != node.involved.end())
      fail(node, "is among some dimensions of a topology (involved_dim), which says nothing of ranks");
    std::string name;
    for (const char* attribute : {"pg_name", "comm_group", "communicator_id"}) {
      if (const auto text = node.texts.find(attribute); text != node.texts.end()) name = text->second;
      else if (const auto number = node.number(attribute)) name = fmt::format("{}", *number);
    }
    for (const Groups* groups : {&groups_, &own_groups_})
      if (const auto found = groups->find(name); found != groups->end()) return found->second;
    if (!name.empty() && name != "0")
      fail(node,
           fmt::format(
               R"(is of group "{}", of which no trace tells the ranks: give --groups FILE, as in {{"{}": [0, 1]}})",
               name, name));
    return {};
  }

  std::string collective(const ChakraNode& node) {
    const auto kind = trace_.collectives.find(std::int64_t(count(node, "comm_type")));
    if (kind == trace_.collectives.end())
      fail(node, fmt::format("its comm_type is {}, which the schema does not know", count(node, "comm_type")));
    const std::vector<int> ranks = group(node);
    const double members = ranks.empty() ? ranks_ : int(ranks.size());
    const bool barrier = kind->second == Collective::barrier, gathers = kind->second == Collective::all_gather;
    const double size = barrier ? 0 : count(node, "comm_size") * (gathers ? members : 1);
    if (node.micros > 0) counts_.add("{} measured times of messages and collectives are left out: these are simulated");
    if (barrier) counts_.add("{} barriers are all_reduces of no bytes");
    if (members == 1) return left_out("{} collectives of one rank are left out");
    ++made_.collectives;
    made_.collective += size;
    return fmt::format(R"(, "collective": "{}", "bytes": "{:.0f}B"{})", name_of(kind->second, node), size,
                       int(members) == ranks_ ? "" : fmt::format(R"(, "ranks": [{}])", fmt::join(ranks, ", ")));
  }
  const char* name_of(Collective kind, const ChakraNode& node) const {
    switch (kind) {
      case Collective::all_reduce:
      case Collective::barrier:
        return "all_reduce";
      case Collective::reduce_scatter:
        return "reduce_scatter";
      case Collective::all_gather:
        return "all_gather";
      case Collective::broadcast:
        return "broadcast";
      case Collective::all_to_all:
        return "all_to_all";
      case Collective::reduce:
        fail(node, "is a reduce to one rank, which is none of the collectives here");
      case Collective::gather:
        fail(node, "is a gather to one rank, which is none of the collectives here");
      case Collective::scatter:
        fail(node, "is a scatter from one rank, which is none of the collectives here");
    }
    return "";
  }

  std::string file_;
  ChakraTrace trace_;
  int rank_, ranks_;
  const Groups& groups_;
  Groups own_groups_;
  Counts& counts_;
  ChakraImport::Rank made_;
  bool needs_device_ = false;
  std::map<std::uint64_t, std::size_t> places_;  // by id
  std::vector<std::vector<std::size_t>> after_;  // by node
  std::vector<bool> is_awaited_;
};

}  // namespace

ChakraImport import_chakra(const std::vector<std::string>& given, const std::string& groups) {
  const std::vector<std::string> files = files_of(given);
  const Groups all = read_groups(groups);
  Counts counts;
  ChakraImport made;
  std::vector<std::string> ranks;
  for (const std::string& file : files) {
    OneRank rank(file, int(ranks.size()), int(files.size()), all, counts);
    if (ranks.empty()) made.schema = rank.schema();
    ranks.push_back(rank.graph());
    made.ranks.push_back(rank.made());
    made.needs_device |= rank.needs_device();
  }
  made.notes = counts.notes();
  if (made.needs_device) made.notes.emplace_back("some computes have operations and no time: they need cluster.device");
  const std::string source = fmt::format("Chakra: {}", fs::path(files[0]).filename().string());
  made.graph =
      fmt::format("{{\"source\": {},\n\"ranks\": [\n{}\n]}}\n", nlohmann::json(source).dump(), fmt::join(ranks, ",\n"));
  return made;
}

void check_graph(const std::string& path, int ranks) {
  Node root;
  root.kind = Node::Kind::object;
  root.members.push_back({"graph", read_document(path), {}});
  Reader::Context context;
  context.workers = ranks;
  Reader in(root, "", context);
  read_graph(in);
}

}  // namespace paceline
