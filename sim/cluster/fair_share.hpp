// FairShare: who uses which link, and the weighted max-min fair rates, kept up to date locally.
//
// Rates are max-min fair if and only if every flow has a bottleneck: a link of its route that is
// full and on which no flow has more for its weight (Bertsekas and Gallager, Data Networks, 6.5.2).
// So only flows that lost theirs are solved again. The active flows, at first those that joined and
// those whose bottleneck is a link that was joined, left or changed, are filled progressively into
// what the others leave free:
//     share = (capacity - rates of the fixed flows) / (weights of the flows not fixed yet),
// the link with the least share first: its flows get rate = weight * share. Then the links that were
// touched are looked at: where others have lost their bottleneck, or have more than a flow that is
// bottlenecked there, these become active too and all is filled again, until nobody is added.
//
// Hop h = flow << shift | k is the k-th link of a flow's route. A link lists its hops in an array; a
// hop knows its place there, so that joining and leaving cost O(route).
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/cluster/topology.hpp"

namespace paceline {

using FlowId = std::uint32_t;

class FairShare {
 public:
  // No route is longer than longest_route.
  explicit FairShare(unsigned longest_route) : shift_(unsigned(std::bit_width(std::max(longest_route, 1u) - 1u))) {}

  LinkId add_link(double capacity) {
    links_.emplace_back().capacity = capacity;
    former_peak_.push_back(0);
    return LinkId(links_.size() - 1);
  }
  void set_capacity(LinkId link, double capacity);
  std::size_t longest_route() const { return std::size_t{1} << shift_; }
  std::span<const LinkId> route(FlowId flow) const {
    return {&hop_link_[std::size_t(flow) << shift_], users_[flow].hops};
  }
  double capacity(LinkId link) const { return links_[link].capacity; }
  double rate(FlowId flow) const { return users_[flow].rate; }
  double carried(LinkId link) const { return links_[link].carried; }
  double peak(LinkId link) const;  // highest load over capacity after any solve

  // Says which links a flow will use. It takes no share before it joins.
  void set_route(FlowId flow, std::span<const LinkId> route, double weight) {
    if (flow >= users_.size()) grow(flow);
    users_[flow] = {.weight = weight, .hops = std::uint32_t(route.size())};
    std::copy(route.begin(), route.end(), &hop_link_[std::size_t(flow) << shift_]);
  }
  void join(FlowId flow) {
    Hop hop = flow << shift_;
    for (LinkId id : route(flow)) {
      auto& hops = links_[id].hops;
      hop_place_[hop] = std::uint32_t(hops.size());
      hops.push_back(hop++);
    }
    users_[flow].joined = true;
    joined_.push_back(flow);
  }
  // The links of its route have carried so much for it. Returns whether others may gain by it.
  bool leave(FlowId flow, double carried) {
    User& user = users_[flow];
    Hop hop = flow << shift_;
    if (user.bottleneck != none) --links_[user.bottleneck].bottlenecked;
    for (LinkId id : route(flow)) {
      Link& link = links_[id];
      const Hop last = link.hops.back();
      link.hops[hop_place_[hop]] = last;
      hop_place_[last] = hop_place_[hop++];
      link.hops.pop_back();
      link.load = link.hops.empty() ? 0 : link.load - user.rate;
      link.carried += carried;
      if (link.bottlenecked > 0) freed_.push_back(id);
    }
    user.joined = false;
    return !freed_.empty();
  }
  void carry(FlowId flow, double bytes) {
    for (LinkId id : route(flow)) links_[id].carried += bytes;
  }

  // Solves after any number of changes. Returns the flows with a new rate, until the next.
  std::span<const FlowId> solve();
  std::uint64_t fills() const { return fills_; }
  std::uint64_t filled_flows() const { return filled_flows_; }

 private:
  using Hop = std::uint32_t;
  static constexpr LinkId none = ~0u;
  static constexpr int patience = 12;     // fills, before whole neighbourhoods are added
  static constexpr double slack = 1e-12;  // relative; what counts as equal
  struct alignas(64) Link {
    // what joining and leaving touch, in one cache line
    std::vector<Hop> hops{};
    double capacity = 0;
    double load = 0;  // rates of the flows that are not active
    double carried = 0;
    double most = 0;                 // highest load at this capacity
    std::uint32_t bottlenecked = 0;  // flows bottlenecked here, active ones left out
    std::uint32_t round = 0;         // touched in
    double level = 0;                // rate / weight of those bottlenecked here
    std::uint32_t solves = 0;
    // while filling
    std::uint32_t unfixed = 0, taken = 0;
    double left = 0, weight = 0, taken_weight = 0;
    double share = 0;  // at which flows were fixed here; -1: none were
    double top = 0;    // the highest share of an active flow
  };
  struct User {
    double weight = 1, rate = 0, old_rate = 0;
    LinkId bottleneck = none;
    std::uint32_t hops = 0;
    std::uint32_t round = 0;  // active in
    bool joined = false, fixed = false;
  };
  struct Level {
    double share;
    LinkId link;
  };
  static bool later(const Level& a, const Level& b) { return a.share != b.share ? a.share > b.share : a.link > b.link; }
  static bool more(double a, double b) { return a > b * (1 + slack); }
  static double share(const Link& link) { return link.left > 0 ? link.left / link.weight : 0; }

  void grow(FlowId flow);
  void next_round();
  bool fill_alone(FlowId flow);
  void activate(FlowId flow);
  void activate_all(LinkId link);
  void activate_bottlenecked(LinkId link);
  void fill();
  void sink(Level level);
  std::size_t fix(LinkId bottleneck, double share);
  bool add_unfair();
  bool add_neighbours();
  void sum_load(Link& link);

  unsigned shift_;
  std::vector<Link> links_;
  std::vector<double> former_peak_;  // of a link, at earlier capacities
  std::vector<User> users_;
  std::vector<LinkId> hop_link_;
  std::vector<std::uint32_t> hop_place_;
  std::vector<FlowId> joined_, active_, changed_;
  std::vector<LinkId> freed_, resized_, touched_, taken_;
  std::vector<Level> heap_;
  std::uint32_t round_ = 0;
  std::uint64_t fills_ = 0, filled_flows_ = 0;
};

}  // namespace paceline
