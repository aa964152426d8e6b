// FairShare: who uses which link, and the weighted max-min fair rates, kept up to date by link instead of by flow.
//
// Rates are max-min fair if and only if every flow has a bottleneck: a link of its route that is full and on which no
// flow has more for its weight (Bertsekas and Gallager, Data Networks, 6.5.2). All flows bottlenecked at a link have
// one level there, rate = weight * level, so a state is the level of each tight link (one that is somebody's
// bottleneck) and who is bottlenecked where. A solve starts at the tight links that flows joined or left, or whose
// capacity changed, opens them, and fills all that is open progressively into what the others leave free:
//     level = (capacity - sum of W * level over the bottlenecks that are not open) / (sum of W over the open ones),
// W as of bundles.hpp, the link with the least level first. When the rising level comes by a link with an open flow on
// it, the link's own bottleneck opens too, if it is no longer full at its level or has more than the open flows would
// get; so does anyone who has more than the open flows of a full link. What is never opened keeps its level. A flow is
// only touched when it changes its bottleneck: when the link that is filled first is another than before.
// Links that are no bottleneck have no part in this; their load is checked at the end, and one that is now over its
// capacity is taken in, and the filling goes on.
//
// A flow that is alone on all its links gets the least capacity among them at once, and is in no bundle until another
// joins one of them.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/cluster/bundles.hpp"
#include "sim/cluster/topology.hpp"

namespace paceline {

using FlowId = std::uint32_t;

class FairShare {
 public:
  static constexpr LinkId none = ~0u;

  // No route is longer than longest_route.
  explicit FairShare(unsigned longest_route) : shift_(unsigned(std::bit_width(std::max(longest_route, 1u) - 1u))) {}

  LinkId add_link(double capacity) {
    links_.emplace_back().capacity = capacity;
    former_peak_.push_back(0);
    bundles_.add_link();
    return LinkId(links_.size() - 1);
  }
  void set_capacity(LinkId link, double capacity);
  std::size_t longest_route() const { return std::size_t{1} << shift_; }
  std::span<const LinkId> route(FlowId flow) const {
    return {&hop_link_[std::size_t(flow) << shift_], users_[flow].hops};
  }
  double capacity(LinkId link) const { return links_[link].capacity; }
  double weight(FlowId flow) const { return users_[flow].weight; }
  LinkId bottleneck(FlowId flow) const { return users_[flow].bottleneck; }  // none before its first solve
  double level(LinkId link) const { return links_[link].level; }            // of the flows bottlenecked there
  double rate(FlowId flow) const {
    const User& user = users_[flow];
    return user.bottleneck == none ? 0 : user.weight * links_[user.bottleneck].level;
  }
  std::uint32_t flows(LinkId link) const { return links_[link].flows; }
  FlowId alone(LinkId link) const { return links_[link].alone; }  // the flow that is alone on all its links, or none
  double peak(LinkId link) const;                                 // highest load over capacity after any solve

  // Says which links a flow will use. It takes no share before it joins.
  void set_route(FlowId flow, std::span<const LinkId> route, double weight) {
    if (flow >= users_.size()) grow(flow);
    users_[flow] = {.weight = weight, .hops = std::uint32_t(route.size())};
    LinkId* hop = &hop_link_[std::size_t(flow) << shift_];
    for (const LinkId id : route) *hop++ = id;  // few: less than a call of memmove
  }
  void join(FlowId flow) {
    for (LinkId id : route(flow)) {
      if (links_[id].flows++ > 0 && links_[id].alone != none) bundle_lonely(links_[id].alone);
    }
    users_[flow].state = State::joining;
    joined_.push_back(flow);
  }
  void bundle_lonely(FlowId flow);  // one that is alone shall be so no more
  // Returns whether others may gain by it.
  bool leave(FlowId flow);
  // Of one that has joined.
  void set_weight(FlowId flow, double weight);

  // Solves after any number of changes. What is told then holds until the next.
  void solve();
  std::span<const FlowId> lonely() const { return lonely_; }    // flows that are alone from now on
  std::span<const FlowId> placed() const { return placed_; }    // others with a new bottleneck
  std::span<const LinkId> leveled() const { return leveled_; }  // links with a new level

 private:
  using Hop = Bundles::Hop;
  static constexpr double slack = 1e-12;  // relative; what counts as equal
  enum class State : std::uint8_t { away, joining, alone, bundled };
  struct alignas(64) Link {
    // a cache line: what joining and leaving touch
    double capacity = 0;
    double load = 0;     // kept while the link is neither tight nor one flow's alone
    double most = 0;     // highest load at this capacity
    double level = 0;    // rate / weight of those bottlenecked here
    double counted = 0;  // the level that loads are reckoned with
    std::uint32_t flows = 0;
    FlowId alone = none;  // the flow that is
    bool dirty = false;
    bool opened = false;      // in this solve
    std::uint32_t loads = 0;  // updates of the load
    std::uint32_t load_round = 0;
    // another: while filling
    double former = 0;            // the level before this solve
    double left = 0, weight = 0;  // for the open flows; their weights
    double queued = 0;            // the least level at which it is in the heap
    std::uint32_t round = 0;      // of the next three
    bool surveyed = false, open = false, fixed = false;
  };
  struct User {
    double weight = 1;
    LinkId bottleneck = none;
    std::uint32_t hops = 0;
    bool told = false;  // is among the placed
    State state = State::away;
  };
  struct Level {
    double level;
    LinkId link;
  };
  struct Survey {  // of a link's row
    bool open_flows = false;
    LinkId highest_closed = none;
    double highest = 0;
  };
  static bool later(const Level& a, const Level& b) { return a.level != b.level ? a.level > b.level : a.link > b.link; }
  static bool more(double a, double b) { return a > b * (1 + slack); }

  void grow(FlowId flow);
  bool place_alone(FlowId flow);
  void place(FlowId flow);
  void move(FlowId flow, LinkId bottleneck);
  void mark_dirty(LinkId link);

  void next_round();
  Link& in_round(LinkId link);
  bool has_own(LinkId link) const { return bundles_.own(link) != Bundles::none; }
  bool shares_with_nobody(LinkId link) const {  // no other bottleneck's flows use it, its own no other bottleneck
    return bundles_.row(link).size() == 1 && bundles_.tight_part(link).size() == 1;
  }
  bool is_open(LinkId link) const { return links_[link].round == round_ && links_[link].open; }
  void note_opened(LinkId link);
  void fill_at_once(LinkId link);
  void open(LinkId link);
  void take_in(LinkId link);
  void queue(LinkId link, double level);
  double key(LinkId link) const;
  Survey survey(LinkId link);
  void fill();
  void come_by(LinkId link, double level);
  void fix(LinkId link, double level);
  void update_loads();
  void sum_load(LinkId link);
  void finish_solve();

  unsigned shift_;
  std::vector<Link> links_;
  std::vector<double> former_peak_;  // of a link, at earlier capacities
  std::vector<User> users_;
  std::vector<LinkId> hop_link_;
  Bundles bundles_;
  std::vector<FlowId> joined_, lonely_, placed_, moving_;
  std::vector<LinkId> dirty_, leveled_, opened_, seen_, loaded_, to_open_, overfull_;
  std::vector<Level> heap_;
  std::uint32_t round_ = 0, load_round_ = 1;
};

}  // namespace paceline
