// Bundles: see bundles.hpp. Bundles of a link with another bottleneck are found by a hash table with linear probing;
// removal closes the gap (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
#include "sim/cluster/bundles.hpp"

#include <utility>

namespace paceline {

void Bundles::add(Hop hop, LinkId link, LinkId bottleneck, double weight) {
  Id id = links_[link].own;
  if (link != bottleneck) id = slots_[find(link, bottleneck)];
  if (id == none) id = make(link, bottleneck);
  Bundle& bundle = bundles_[id];
  nodes_[hop] = {.weight = weight, .next = bundle.first, .before = none, .bundle = id};
  if (bundle.first != none) nodes_[bundle.first].before = hop;
  bundle.first = hop;
  ++bundle.flows;
  weigh(id, bundle.weight + weight);
}

void Bundles::remove(Hop hop) {
  const Node& node = nodes_[hop];
  const Id id = node.bundle;
  Bundle& bundle = bundles_[id];
  if (--bundle.flows == 0) {
    erase(id);
    return;
  }
  if (node.next != none) nodes_[node.next].before = node.before;
  (node.before != none ? nodes_[node.before].next : bundle.first) = node.next;
  if (++bundle.removals % 1024 == 0) sum_weight(id);
  else weigh(id, bundle.weight - node.weight);
}

void Bundles::set_weight(Hop hop, double weight) {
  nodes_[hop].weight = weight;
  sum_weight(nodes_[hop].bundle);
}

void Bundles::sum_weight(Id id) {  // afresh, lest rounding add up in a long run
  double weight = 0;
  for (Hop hop = bundles_[id].first; hop != none; hop = nodes_[hop].next) weight += nodes_[hop].weight;
  weigh(id, weight);
}

void Bundles::weigh(Id id, double weight) {
  Bundle& bundle = bundles_[id];
  bundle.weight = weight;
  links_[bundle.bottleneck].column[bundle.column_place].weight = weight;
}

void Bundles::set_tight(LinkId id, bool tight) {
  Link& link = links_[id];
  if (link.tight == tight) return;
  link.tight = tight;
  for (const Id b : link.row) {
    const LinkId bottleneck = bundles_[b].bottleneck;
    std::uint32_t& parts = links_[bottleneck].tight_parts;
    swap_parts(bottleneck, bundles_[b].column_place, tight ? parts++ : --parts);
  }
}

void Bundles::swap_parts(LinkId bottleneck, std::uint32_t a, std::uint32_t b) {
  if (a == b) return;
  std::vector<Part>& column = links_[bottleneck].column;
  std::swap(column[a], column[b]);
  bundles_[column[a].bundle].column_place = a;
  bundles_[column[b].bundle].column_place = b;
}

Bundles::Id Bundles::make(LinkId link, LinkId bottleneck) {
  Id id;
  if (free_.empty()) {
    id = Id(bundles_.size());
    bundles_.emplace_back();
    if (bundles_.size() > slots_.size() / 2) rehash();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  Link& of = links_[link];
  std::vector<Part>& column = links_[bottleneck].column;
  bundles_[id] = {.link = link,
                  .bottleneck = bottleneck,
                  .row_place = std::uint32_t(of.row.size()),
                  .column_place = std::uint32_t(column.size())};
  of.row.push_back(id);
  column.push_back({0, link, id});
  if (of.tight) swap_parts(bottleneck, bundles_[id].column_place, links_[bottleneck].tight_parts++);
  if (link == bottleneck) of.own = id;
  else slots_[find(link, bottleneck)] = id;
  return id;
}

void Bundles::erase(Id id) {
  const Bundle bundle = bundles_[id];
  Link& link = links_[bundle.link];
  const Id last = link.row.back();
  link.row[bundle.row_place] = last;
  bundles_[last].row_place = bundle.row_place;
  link.row.pop_back();
  std::vector<Part>& column = links_[bundle.bottleneck].column;
  if (link.tight) swap_parts(bundle.bottleneck, bundles_[id].column_place, --links_[bundle.bottleneck].tight_parts);
  swap_parts(bundle.bottleneck, bundles_[id].column_place, std::uint32_t(column.size() - 1));
  column.pop_back();
  free_.push_back(id);
  if (bundle.link == bundle.bottleneck) {
    link.own = none;
    return;
  }
  const std::size_t mask = slots_.size() - 1;
  std::size_t gap = find(bundle.link, bundle.bottleneck);
  for (std::size_t i = (gap + 1) & mask; slots_[i] != none; i = (i + 1) & mask) {
    const Bundle& other = bundles_[slots_[i]];
    if (((i - home(other.link, other.bottleneck)) & mask) < ((i - gap) & mask)) continue;
    slots_[gap] = slots_[i];
    gap = i;
  }
  slots_[gap] = none;
}

std::size_t Bundles::find(LinkId link, LinkId bottleneck) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = home(link, bottleneck);
  while (slots_[i] != none && (bundles_[slots_[i]].link != link || bundles_[slots_[i]].bottleneck != bottleneck))
    i = (i + 1) & mask;
  return i;
}

void Bundles::rehash() {
  const std::vector<Id> old = std::exchange(slots_, std::vector<Id>(2 * slots_.size(), none));
  --slot_shift_;
  for (const Id id : old)
    if (id != none) slots_[find(bundles_[id].link, bundles_[id].bottleneck)] = id;
}

}  // namespace paceline
