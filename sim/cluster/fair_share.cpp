// FairShare, the solve: see fair_share.hpp for what is computed and why it is enough.
#include "sim/cluster/fair_share.hpp"

namespace paceline {

void FairShare::grow(FlowId flow) {
  users_.resize(flow + 1);
  hop_link_.resize(users_.size() << shift_);
  hop_place_.resize(users_.size() << shift_);
}

void FairShare::set_capacity(LinkId id, double capacity) {
  Link& link = links_[id];
  former_peak_[id] = peak(id);
  link.most = 0;
  link.capacity = capacity;
  resized_.push_back(id);
}

double FairShare::peak(LinkId id) const {
  const Link& link = links_[id];
  return link.most > 0 ? std::max(former_peak_[id], link.most / link.capacity) : former_peak_[id];
}

void FairShare::next_round() {
  if (++round_ != 0) return;
  for (Link& link : links_) link.round = 0;  // 2^32 solves have passed
  for (User& user : users_) user.round = 0;
  round_ = 1;
}

std::span<const FlowId> FairShare::solve() {
  next_round();
  active_.clear();
  touched_.clear();
  changed_.clear();
  for (LinkId id : freed_) activate_bottlenecked(id);
  for (FlowId flow : joined_) {
    if (!users_[flow].joined || users_[flow].round == round_) continue;
    if (fill_alone(flow)) {
      changed_.push_back(flow);
      continue;
    }
    activate(flow);
    for (LinkId id : route(flow)) activate_bottlenecked(id);
  }
  for (LinkId id : resized_) {
    activate_all(id);
    links_[id].load = 0;  // exactly: a link that is down leaves nothing
  }
  freed_.clear();
  joined_.clear();
  resized_.clear();
  if (active_.empty()) return changed_;
  int fills = 0;
  do fill();
  while (++fills <= patience ? add_unfair() : add_neighbours());
  fills_ += unsigned(fills);
  filled_flows_ += active_.size();
  for (FlowId flow : active_) {
    User& user = users_[flow];
    Link& bottleneck = links_[user.bottleneck];
    ++bottleneck.bottlenecked;
    bottleneck.level = bottleneck.share;
    for (LinkId id : route(flow)) links_[id].load += user.rate;
  }
  for (LinkId id : touched_) {
    Link& link = links_[id];
    if (++link.solves % 256 == 0) sum_load(link);
    link.most = std::max(link.most, link.load);
  }
  for (FlowId flow : active_)
    if (users_[flow].rate != users_[flow].old_rate) changed_.push_back(flow);
  return changed_;
}

void FairShare::sum_load(Link& link) {  // afresh, lest rounding add up in a long run
  link.load = 0;
  for (Hop hop : link.hops) link.load += users_[hop >> shift_].rate;
}

void FairShare::activate(FlowId flow) {
  User& user = users_[flow];
  if (user.round == round_) return;
  user.round = round_;
  if (user.bottleneck != none) --links_[user.bottleneck].bottlenecked;
  user.bottleneck = none;
  user.old_rate = user.rate;
  active_.push_back(flow);
  for (LinkId id : route(flow)) {
    Link& link = links_[id];
    link.load -= user.rate;
    if (link.round != round_) {
      link.round = round_;
      touched_.push_back(id);
    }
  }
}

void FairShare::activate_bottlenecked(LinkId id) {
  if (links_[id].bottlenecked == 0) return;
  for (Hop hop : links_[id].hops)
    if (users_[hop >> shift_].bottleneck == id) activate(hop >> shift_);
}

void FairShare::activate_all(LinkId id) {
  for (Hop hop : links_[id].hops) activate(hop >> shift_);
}

// A flow that shares none of its links has the least capacity of them.
bool FairShare::fill_alone(FlowId flow) {
  LinkId least = none;
  for (LinkId id : route(flow)) {
    if (links_[id].hops.size() != 1) return false;
    if (least == none || links_[id].capacity < links_[least].capacity) least = id;
  }
  User& user = users_[flow];
  Link& link = links_[least];
  user.rate = link.capacity;
  user.bottleneck = least;
  link.bottlenecked = 1;
  link.level = user.rate / user.weight;
  for (LinkId id : route(flow)) {
    links_[id].load = user.rate;
    links_[id].most = std::max(links_[id].most, user.rate);
  }
  return true;
}

void FairShare::fill() {
  for (LinkId id : touched_) {
    Link& link = links_[id];
    link.left = link.capacity - link.load;
    link.unfixed = 0;
    link.weight = link.top = 0;
    link.share = -1;
  }
  for (FlowId flow : active_) {
    users_[flow].fixed = false;
    for (LinkId id : route(flow)) {
      ++links_[id].unfixed;
      links_[id].weight += users_[flow].weight;
    }
  }
  heap_.clear();
  for (LinkId id : touched_) heap_.push_back({share(links_[id]), id});
  std::make_heap(heap_.begin(), heap_.end(), later);
  for (std::size_t unfixed = active_.size(); unfixed > 0;) {
    const auto [least, id] = heap_.front();
    const Link& link = links_[id];
    if (link.unfixed == 0) {
      const Level last = heap_.back();
      heap_.pop_back();
      sink(last);
      continue;
    }
    const double now = share(link);  // shares never fall: an entry that is stale sinks
    if (now > least) {
      sink({now, id});
      continue;
    }
    unfixed -= fix(id, now);
  }
}

void FairShare::sink(Level level) {  // from the root, in place of it
  std::size_t i = 0, n = heap_.size();
  for (std::size_t child = 1; child < n; child = 2 * i + 1) {
    child += child + 1 < n && later(heap_[child], heap_[child + 1]);
    if (!later(level, heap_[child])) break;
    heap_[i] = heap_[child];
    i = child;
  }
  if (n > 0) heap_[i] = level;
}

// Returns how many flows it fixed.
std::size_t FairShare::fix(LinkId bottleneck, double share) {
  std::size_t fixed = 0;
  links_[bottleneck].share = share;
  for (Hop hop : links_[bottleneck].hops) {
    const FlowId flow = hop >> shift_;
    User& user = users_[flow];
    if (user.round != round_ || user.fixed) continue;
    user.fixed = true;
    ++fixed;
    user.rate = user.weight * share;
    user.bottleneck = bottleneck;
    for (LinkId id : route(flow)) {
      Link& link = links_[id];
      if (link.taken++ == 0) taken_.push_back(id);
      link.taken_weight += user.weight;
    }
  }
  for (LinkId id : taken_) {  // summed first, subtracted once
    Link& link = links_[id];
    link.left -= share * link.taken_weight;
    link.weight -= link.taken_weight;
    link.unfixed -= link.taken;
    link.top = std::max(link.top, share);
    link.taken = 0;
    link.taken_weight = 0;
  }
  taken_.clear();
  return fixed;
}

// Activates those that lost their bottleneck or have more than is fair. False: there are none.
bool FairShare::add_unfair() {
  const std::size_t before = active_.size();
  for (std::size_t i = 0, n = touched_.size(); i < n; ++i) {
    const LinkId id = touched_[i];
    const Link& link = links_[id];
    if (link.bottlenecked > 0) {
      const bool full = link.left <= slack * link.capacity;
      const bool fair = !more(link.top, link.level) && !(link.share >= 0 && more(link.level, link.share));
      if (full && fair) continue;
      activate_bottlenecked(id);
    }
    if (link.share < 0) continue;
    for (Hop hop : link.hops) {
      const User& user = users_[hop >> shift_];
      if (user.round != round_ && more(user.rate, user.weight * link.share)) activate(hop >> shift_);
    }
  }
  return active_.size() != before;
}

// Activates everyone on a link that was touched. False: there are none.
bool FairShare::add_neighbours() {
  const std::size_t before = active_.size();
  for (std::size_t i = 0, n = touched_.size(); i < n; ++i) activate_all(touched_[i]);
  return active_.size() != before;
}

}  // namespace paceline
