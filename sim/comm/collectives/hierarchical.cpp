// hierarchical: reduce-scatter inside every host of g ranks, all-reduce of part i among the ranks with place i on all k
// hosts (the rails, in parallel), all-gather inside. With rings, where rails do not share links:
//     2(g-1) α1 + 2 (g-1)/g S β1 + 2(k-1) α2 + 2 (k-1)/k S/g β2.
#include <fmt/format.h>

#include "sim/comm/collective.hpp"

namespace paceline::collectives {
namespace {

struct Levels {
  AlgorithmMaker inside, across;
};

// The groups of a communicator, and a rank's places in them.
class Groups {
 public:
  explicit Groups(Communicator& all) : all_(all), place_(std::size_t(all.size())) {
    const auto& hosts = all.hosts();
    for (std::size_t h = 0; h < hosts.size(); ++h)
      for (std::size_t i = 0; i < hosts[h].size(); ++i) place_[std::size_t(hosts[h][i])] = {int(h), int(i)};
  }
  struct Place {
    int host, index;
  };
  Place place(int rank) const { return place_[std::size_t(rank)]; }
  int hosts() const { return int(all_.hosts().size()); }
  int rails() const { return int(all_.hosts().front().size()); }
  Communicator& host(int h) { return all_.group(all_.hosts()[std::size_t(h)]); }
  Communicator& rail(int i) { return all_.group(ranks_of_rail(i)); }
  std::vector<int> ranks_of_rail(int i) const {
    std::vector<int> ranks;
    for (const auto& host : all_.hosts()) ranks.push_back(host[std::size_t(i)]);
    return ranks;
  }

 private:
  Communicator& all_;
  std::vector<Place> place_;
};

class HierarchicalCall final : public Collective {
 public:
  HierarchicalCall(Communicator& group, Op all, double bytes, const Levels& levels)
      : Collective(group, all, bytes), groups_(group) {
    const auto host_ranks = double(groups_.rails());
    for (int h = 0; h < groups_.hosts(); ++h) {
      Communicator& host = groups_.host(h);
      const auto inside = [&](Op op) { return levels.inside->chosen(op, host, bytes).messages(op, host, bytes); };
      scatters_.push_back(inside(Op::reduce_scatter));
      gathers_.push_back(inside(Op::all_gather));
    }
    for (int i = 0; i < groups_.rails(); ++i) {
      Communicator& rail = groups_.rail(i);
      const Algorithm& across = levels.across->chosen(Op::all_reduce, rail, bytes / host_ranks);
      across_.push_back(across.messages(Op::all_reduce, rail, bytes / host_ranks));
    }
  }

  void attach(int rank, std::span<float> values) override {
    Collective::attach(rank, values);
    const auto [host, index] = groups_.place(rank);
    const Part own{std::size_t(index), 1, std::size_t(groups_.rails())};
    scatters_[std::size_t(host)]->attach(index, values);
    across_[std::size_t(index)]->attach(host, this->values(rank, own));
    gathers_[std::size_t(host)]->attach(index, values);
  }

  Task<> member(int rank) override {
    const auto [host, index] = groups_.place(rank);
    co_await scatters_[std::size_t(host)]->member(index);
    co_await across_[std::size_t(index)]->member(host);
    co_await gathers_[std::size_t(host)]->member(index);
  }

 private:
  Groups groups_;
  std::vector<std::unique_ptr<Collective>> scatters_, gathers_;  // by host
  std::vector<std::unique_ptr<Collective>> across_;              // by place in the host
};

// Puts a group's plan beside those of others that run at the same time.
void merge(Plan& into, const Plan& plan, const std::vector<int>& ranks) {
  into.resize(std::max(into.size(), plan.size()));
  for (std::size_t p = 0; p < plan.size(); ++p)
    for (const Burst& burst : plan[p])
      into[p].push_back({ranks[std::size_t(burst.from)], ranks[std::size_t(burst.to)], burst.bytes, burst.latency});
}

class Hierarchical final : public Algorithm {
 public:
  explicit Hierarchical(Levels levels) : levels_(std::move(levels)) {}
  std::string name() const override { return "hierarchical"; }
  std::string refuses(Op op, Communicator& group) const override {
    if (op != Op::all_reduce) return "does all_reduce only";
    if (group.ranks_per_host() == 0) return "needs the same number of ranks on every host";
    Groups groups(group);
    for (const Op half : {Op::reduce_scatter, Op::all_gather})
      if (const std::string why = levels_.inside->chosen(half, groups.host(0), 1).refuses(half, groups.host(0));
          !why.empty())
        return fmt::format("has {} inside hosts for {}: it {}", levels_.inside->name(), name_of(half), why);
    const std::string why = levels_.across->chosen(op, groups.rail(0), 1).refuses(op, groups.rail(0));
    return why.empty() ? "" : fmt::format("has {} across hosts: it {}", levels_.across->name(), why);
  }
  std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const override {
    return std::make_unique<HierarchicalCall>(group, op, bytes, levels_);
  }
  Plan plan(Op, Communicator& group, double bytes) const override {
    Groups groups(group);
    Plan scatter, across, gather;
    for (int h = 0; h < groups.hosts(); ++h) {
      const std::vector<int>& ranks = group.hosts()[std::size_t(h)];
      Communicator& host = groups.host(h);
      const auto inside = [&](Op op) { return levels_.inside->chosen(op, host, bytes).plan(op, host, bytes); };
      merge(scatter, inside(Op::reduce_scatter), ranks);
      merge(gather, inside(Op::all_gather), ranks);
    }
    for (int i = 0; i < groups.rails(); ++i) {
      const double share = bytes / groups.rails();
      const Algorithm& rail = levels_.across->chosen(Op::all_reduce, groups.rail(i), share);
      merge(across, rail.plan(Op::all_reduce, groups.rail(i), share), groups.ranks_of_rail(i));
    }
    scatter.insert(scatter.end(), across.begin(), across.end());
    scatter.insert(scatter.end(), gather.begin(), gather.end());
    return scatter;
  }

 private:
  Levels levels_;
};

}  // namespace

AlgorithmMaker hierarchical(Reader& in) {
  in.about("reduce-scatter inside hosts, all-reduce across them on parallel rails, all-gather inside");
  Levels levels;
  levels.inside = in.kind_or_name("inside", all(), {.fallback = "ring", .help = "of the ranks of a host"});
  levels.across = in.kind_or_name("across", all(), {.fallback = "ring", .help = "of the ranks of a rail"});
  return std::make_shared<Hierarchical>(std::move(levels));
}

}  // namespace paceline::collectives
