// FairShare, the filling: see fair_share.hpp for what is open, and why the rest keeps its level.
#include <cmath>
#include <limits>
#include <utility>

#include "sim/cluster/fair_share.hpp"

namespace paceline {

namespace {
constexpr double never = std::numeric_limits<double>::infinity();
}

void FairShare::next_round() {
  if (++round_ != 0) return;
  for (Link& link : links_) link.round = 0;  // 2^32 fillings have passed
  round_ = 1;
}

FairShare::Link& FairShare::in_round(LinkId id) {
  Link& link = links_[id];
  if (link.round == round_) return link;
  link.round = round_;
  link.surveyed = link.open = link.fixed = false;
  link.queued = never;
  seen_.push_back(id);
  return link;
}

void FairShare::note_opened(LinkId id) {
  Link& link = links_[id];
  if (std::exchange(link.opened, true)) return;
  link.former = link.level;
  opened_.push_back(id);
}

void FairShare::fill_at_once(LinkId id) {
  Link& link = links_[id];
  note_opened(id);
  link.level = link.capacity / bundles_[bundles_.own(id)].weight;
  link.most = std::max(link.most, link.capacity);
}

// What its flows have is shared anew, on all the links that they use. Where others of the same level are fixed already
// they are open again.
void FairShare::open(LinkId first) {
  to_open_.assign(1, first);
  while (!to_open_.empty()) {
    const LinkId id = to_open_.back();
    to_open_.pop_back();
    Link& link = in_round(id);
    if (link.open) continue;
    link.open = true;
    link.fixed = false;
    note_opened(id);
    for (const Bundles::Part& part : bundles_.tight_part(id)) {
      Link& shared = in_round(part.link);
      if (!shared.surveyed) {
        survey(part.link);
      } else {
        shared.left += part.weight * link.level;
        shared.weight += part.weight;
      }
      if (shared.fixed) to_open_.push_back(part.link);
      else queue(part.link, key(part.link));
    }
  }
}

// A link that may be nobody's bottleneck yet, but is too full or has another capacity.
void FairShare::take_in(LinkId id) {
  bundles_.set_tight(id, true);
  in_round(id);
  queue(id, 0);
}

void FairShare::queue(LinkId id, double level) {
  if (!(level < links_[id].queued)) return;
  links_[id].queued = level;
  heap_.push_back({level, id});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

// The level at which something happens at a link: it is full, or its own bottleneck is to be looked at.
double FairShare::key(LinkId id) const {
  const Link& link = links_[id];
  const double share = link.weight > 0 ? std::max(link.left, 0.0) / link.weight : never;
  return link.open || !has_own(id) ? share : std::min(share, link.level);
}

FairShare::Survey FairShare::survey(LinkId id) {
  Link& link = links_[id];
  Survey result;
  link.surveyed = true;
  link.left = link.capacity;
  link.weight = 0;
  for (const Bundles::Id b : bundles_.row(id)) {
    const Bundles::Bundle& bundle = bundles_[b];
    const Link& bottleneck = links_[bundle.bottleneck];
    const bool now = bottleneck.round == round_;
    if (now && bottleneck.open) {
      link.weight += bundle.weight;
      result.open_flows = true;
      continue;
    }
    link.left -= bundle.weight * bottleneck.level;
    if (!(now && bottleneck.fixed) && bottleneck.level > result.highest) {
      result.highest = bottleneck.level;
      result.highest_closed = bundle.bottleneck;
    }
  }
  return result;
}

void FairShare::fill() {
  while (!heap_.empty()) {
    const auto [level, id] = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
    if (level != links_[id].queued) continue;  // it has been queued anew since
    links_[id].queued = never;
    if (!links_[id].fixed) come_by(id, level);
  }
}

void FairShare::come_by(LinkId id, double level) {
  Link& link = links_[id];
  const bool own_closed = has_own(id) && !link.open;
  // What is kept up to date while filling is exact but for rounding: enough to know that it is too early, or that the
  // link's own bottleneck has to open.
  if (link.surveyed && link.weight > 0) {
    const double likely = key(id);
    if (likely > level * (1 + 1e-9)) {
      queue(id, likely);
      return;
    }
    if (own_closed && link.weight > 1e-9 * bundles_[bundles_.own(id)].weight) {
      open(id);
      return;
    }
  }
  const Survey row = survey(id);
  if (!row.open_flows && !own_closed) {
    if (link.left < -slack * link.capacity && row.highest_closed != none) open(row.highest_closed);
    return;
  }
  if (const double now = key(id); more(now, level)) {
    queue(id, now);
  } else if (own_closed) {
    const double own = bundles_[bundles_.own(id)].weight * link.level;
    if (row.open_flows || std::abs(link.left) > slack * own) open(id);
  } else if (more(row.highest, now)) {
    open(row.highest_closed);
  } else {
    fix(id, now);
  }
}

// The link is full: all open flows on it have their bottleneck here.
void FairShare::fix(LinkId id, double level) {
  Link& link = links_[id];
  note_opened(id);
  moving_.clear();
  for (const Bundles::Id b : bundles_.row(id)) {
    if (bundles_[b].bottleneck == id || !is_open(bundles_[b].bottleneck)) continue;
    for (Hop hop = bundles_.first(b); hop != Bundles::none; hop = bundles_.next(hop)) moving_.push_back(hop >> shift_);
  }
  for (const FlowId flow : moving_)
    if (users_[flow].bottleneck != id) move(flow, id);
  if (std::abs(level - link.level) > slack * link.level) link.level = level;
  link.open = false;
  link.fixed = true;
  for (const Bundles::Part& part : bundles_.tight_part(id)) {
    Link& shared = in_round(part.link);
    shared.left -= part.weight * link.level;
    shared.weight -= part.weight;
  }
}

}  // namespace paceline
