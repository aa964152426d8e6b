// Bundles: the flows of every link, tied up by the link that limits them: the sparse matrix of weights
//     W(link, bottleneck) = sum of the weights of the flows that use `link` and have their bottleneck at `bottleneck`,
// with a row per link, a column per bottleneck, and in each bundle a list of its flows. With one level (rate / weight)
// per bottleneck the load of a link is the sum of W * level over its row: what a new level means for the other links
// is told by its column, whatever the number of flows.
//
// The tight links' part of a column comes first: they are what a solve looks at; the rest only has its load kept.
// Hop h is a flow on one link of its route. Adding and removing one is O(1).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "sim/cluster/topology.hpp"

namespace paceline {

class Bundles {
 public:
  using Id = std::uint32_t;
  using Hop = std::uint32_t;
  static constexpr std::uint32_t none = ~0u;

  struct Bundle {
    double weight = 0;
    LinkId link = 0, bottleneck = 0;
    Hop first = none;
    std::uint32_t flows = 0, removals = 0;
    std::uint32_t row_place = 0, column_place = 0;
  };
  struct Part {  // of a column
    double weight;
    LinkId link;
    Id bundle;
  };

  void add_link() { links_.emplace_back(); }
  void grow(std::size_t hops) { nodes_.resize(hops); }

  void add(Hop hop, LinkId link, LinkId bottleneck, double weight);
  void remove(Hop hop);
  void set_weight(Hop hop, double weight);
  // A tight link's bundles come first in their columns.
  void set_tight(LinkId link, bool tight);
  bool tight(LinkId link) const { return links_[link].tight; }

  const Bundle& operator[](Id bundle) const { return bundles_[bundle]; }
  Id own(LinkId link) const { return links_[link].own; }  // the bundle (link, link), or none
  std::span<const Id> row(LinkId link) const { return links_[link].row; }
  std::span<const Part> tight_part(LinkId bottleneck) const {
    return {links_[bottleneck].column.data(), links_[bottleneck].tight_parts};
  }
  std::span<const Part> loose_part(LinkId bottleneck) const {
    return std::span(links_[bottleneck].column).subspan(links_[bottleneck].tight_parts);
  }
  Hop first(Id bundle) const { return bundles_[bundle].first; }
  Hop next(Hop hop) const { return nodes_[hop].next; }  // in its bundle; none: it is the last

 private:
  struct Node {
    double weight = 0;
    Hop next = none, before = none;
    Id bundle = none;
  };
  struct alignas(64) Link {
    std::vector<Id> row{};
    std::vector<Part> column{};
    std::uint32_t tight_parts = 0;
    Id own = none;
    bool tight = false;
  };

  Id make(LinkId link, LinkId bottleneck);
  void erase(Id bundle);
  void weigh(Id bundle, double weight);
  void swap_parts(LinkId bottleneck, std::uint32_t a, std::uint32_t b);
  void sum_weight(Id bundle);
  std::size_t find(LinkId link, LinkId bottleneck) const;  // its slot, or the empty one where it belongs
  std::size_t home(LinkId link, LinkId bottleneck) const {
    return std::size_t(((std::uint64_t(link) << 32 | bottleneck) * 0x9e3779b97f4a7c15u) >> slot_shift_);
  }
  void rehash();

  std::vector<Link> links_;
  std::vector<Bundle> bundles_;
  std::vector<Node> nodes_;  // by hop
  std::vector<Id> free_;
  std::vector<Id> slots_ = std::vector<Id>(64, none);  // open addressing, linear probing
  unsigned slot_shift_ = 58;
};

}  // namespace paceline
