// FairShare, who is where: joining, leaving, and what a solve tells. See fair_share.hpp; the filling is in fill.cpp.
#include "sim/cluster/fair_share.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace paceline {

void FairShare::grow(FlowId flow) {
  users_.resize(flow + 1);
  hop_link_.resize(users_.size() << shift_);
  bundles_.grow(hop_link_.size());
}

double FairShare::peak(LinkId id) const {
  const Link& link = links_[id];
  return link.most > 0 ? std::max(former_peak_[id], link.most / link.capacity) : former_peak_[id];
}

void FairShare::mark_dirty(LinkId id) {
  if (std::exchange(links_[id].dirty, true)) return;
  dirty_.push_back(id);
}

void FairShare::set_capacity(LinkId id, double capacity) {
  Link& link = links_[id];
  former_peak_[id] = peak(id);
  link.most = 0;
  link.capacity = capacity;
  if (link.alone != none) bundle_lonely(link.alone);
  mark_dirty(id);
}

void FairShare::set_weight(FlowId flow, double weight) {
  User& user = users_[flow];
  if (user.state == State::alone) bundle_lonely(flow);
  const double change = weight - user.weight;
  user.weight = weight;
  if (user.state != State::bundled) return;
  Hop hop = flow << shift_;
  for (const LinkId id : route(flow)) {
    bundles_.set_weight(hop++, weight);
    if (!bundles_.tight(id)) links_[id].load += change * links_[user.bottleneck].counted;
    else if (has_own(id)) mark_dirty(id);
  }
}

bool FairShare::leave(FlowId flow) {
  User& user = users_[flow];
  const LinkId bottleneck = user.bottleneck;
  for (const LinkId id : route(flow)) --links_[id].flows;
  if (user.state == State::alone) {
    for (const LinkId id : route(flow)) links_[id].alone = none;
  } else if (user.state == State::bundled) {
    const double rate = user.weight * links_[bottleneck].counted;
    Hop hop = flow << shift_;
    for (const LinkId id : route(flow)) {
      bundles_.remove(hop++);
      Link& link = links_[id];
      if (!bundles_.tight(id)) link.load = link.flows == 0 ? 0 : link.load - rate;
      else if (has_own(id)) mark_dirty(id);
    }
  }
  if (bottleneck != none && (user.state == State::alone || !has_own(bottleneck)))
    links_[bottleneck].level = links_[bottleneck].counted = 0;
  user.state = State::away;
  user.bottleneck = none;
  return !dirty_.empty();
}

// A flow that shares none of its links has the least capacity of them.
bool FairShare::place_alone(FlowId flow) {
  LinkId least = none;
  for (const LinkId id : route(flow)) {
    if (links_[id].flows != 1) return false;
    if (least == none || links_[id].capacity < links_[least].capacity) least = id;
  }
  User& user = users_[flow];
  const double rate = links_[least].capacity;
  for (const LinkId id : route(flow)) {
    Link& link = links_[id];
    link.alone = flow;
    link.most = std::max(link.most, rate);
  }
  user.state = State::alone;
  user.bottleneck = least;
  links_[least].level = rate / user.weight;
  lonely_.push_back(flow);
  return true;
}

// It keeps its rate, and its links are shared from now on.
void FairShare::bundle_lonely(FlowId flow) {
  User& user = users_[flow];
  user.state = State::bundled;
  Link& bottleneck = links_[user.bottleneck];
  bottleneck.counted = bottleneck.level;
  bundles_.set_tight(user.bottleneck, true);
  Hop hop = flow << shift_;
  for (const LinkId id : route(flow)) {
    links_[id].alone = none;
    links_[id].load = bottleneck.capacity;
    bundles_.add(hop++, id, user.bottleneck, user.weight);
  }
}

// Puts a flow where it is likely to have its bottleneck; the filling puts that right.
void FairShare::place(FlowId flow) {
  User& user = users_[flow];
  double least = std::numeric_limits<double>::infinity();
  for (const LinkId id : route(flow)) {
    const Link& link = links_[id];
    double likely = link.capacity / link.flows;
    if (link.level > 0) {
      const double others = bundles_[bundles_.own(id)].weight;
      likely = link.level * others / (others + user.weight);
    }
    if (likely < least) {
      least = likely;
      user.bottleneck = id;
    }
  }
  user.state = State::bundled;
  bundles_.set_tight(user.bottleneck, true);
  const double rate = user.weight * links_[user.bottleneck].counted;
  Hop hop = flow << shift_;
  for (const LinkId id : route(flow)) {
    bundles_.add(hop++, id, user.bottleneck, user.weight);
    if (!bundles_.tight(id)) links_[id].load += rate;
  }
  mark_dirty(user.bottleneck);
  user.told = true;
  placed_.push_back(flow);
}

void FairShare::move(FlowId flow, LinkId bottleneck) {
  User& user = users_[flow];
  Link& former = links_[user.bottleneck];
  const double change = user.weight * (links_[bottleneck].counted - former.counted);
  Hop hop = flow << shift_;
  for (const LinkId id : route(flow)) {
    if (!bundles_.tight(id)) links_[id].load += change;
    bundles_.remove(hop);
    bundles_.add(hop++, id, bottleneck, user.weight);
  }
  if (!has_own(user.bottleneck)) {
    former.open = false;
    former.level = former.counted = 0;
  }
  user.bottleneck = bottleneck;
  if (!std::exchange(user.told, true)) placed_.push_back(flow);
}

void FairShare::solve() {
  for (const FlowId flow : placed_) users_[flow].told = false;
  placed_.clear();
  leveled_.clear();
  lonely_.clear();
  for (const FlowId flow : joined_)
    if (users_[flow].state == State::joining && !place_alone(flow)) place(flow);
  joined_.clear();
  if (dirty_.empty()) return;
  next_round();
  for (const LinkId id : dirty_) {
    links_[id].dirty = false;
    if (has_own(id)) shares_with_nobody(id) ? fill_at_once(id) : open(id);
    else if (links_[id].flows > 0 && links_[id].alone == none) take_in(id);
  }
  dirty_.clear();
  for (;;) {
    fill();
    update_loads();
    if (overfull_.empty()) break;
    next_round();
    for (const LinkId id : overfull_) take_in(id);
  }
  finish_solve();
}

// Loads of links that are not tight, in which the new levels show.
void FairShare::update_loads() {
  overfull_.clear();
  for (const LinkId bottleneck : opened_) {
    Link& group = links_[bottleneck];
    const double change = group.level - std::exchange(group.counted, group.level);
    for (const Bundles::Part& part : bundles_.loose_part(bottleneck)) {
      Link& link = links_[part.link];
      link.load += part.weight * change;
      if (link.load_round == load_round_) continue;
      link.load_round = load_round_;
      loaded_.push_back(part.link);
    }
  }
  for (const LinkId id : loaded_)
    if (!bundles_.tight(id) && more(links_[id].load, links_[id].capacity)) overfull_.push_back(id);
}

void FairShare::sum_load(LinkId id) {
  Link& link = links_[id];
  link.load = 0;
  for (const Bundles::Id b : bundles_.row(id)) link.load += bundles_[b].weight * links_[bundles_[b].bottleneck].level;
}

void FairShare::finish_solve() {
  for (const LinkId id : seen_) {
    sum_load(id);
    if (!has_own(id)) bundles_.set_tight(id, false);
    links_[id].most = std::max(links_[id].most, links_[id].load);
  }
  for (const LinkId id : loaded_) {
    if (++links_[id].loads % 256 == 0) sum_load(id);  // afresh, lest rounding add up in a long run
    links_[id].most = std::max(links_[id].most, links_[id].load);
  }
  for (const LinkId id : opened_) {
    links_[id].opened = false;
    if (links_[id].level != links_[id].former) leveled_.push_back(id);
  }
  seen_.clear();
  loaded_.clear();
  opened_.clear();
  if (++load_round_ != 0) return;
  for (Link& link : links_) link.load_round = 0;  // 2^32 solves have passed
  load_round_ = 1;
}

}  // namespace paceline
