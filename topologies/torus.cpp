// torus: a grid whose ends meet; see torus.hpp.
#include "topologies/torus.hpp"

#include <fmt/format.h>

namespace paceline::topologies {
namespace {
LinkId links_along(int side) { return side > 2 ? 2 : side > 1 ? 1 : 0; }
}  // namespace

Torus::Torus(int nodes, std::vector<int> sides, LinkSpec spec) : nodes_(nodes), sides_(std::move(sides)), spec_(spec) {
  for (const int side : sides_) {
    all_ *= side;
    per_node_ += links_along(side);
  }
}

Ends Torus::ends(LinkId id) const {
  const int from = int(id / per_node_);
  LinkId own = id % per_node_;
  int stride = 1;
  for (const int side : sides_) {
    if (own < links_along(side)) {
      const int at = from / stride % side, next = (at + (own == 0 ? 1 : side - 1)) % side;
      return {from, from + (next - at) * stride};
    }
    own -= links_along(side);
    stride *= side;
  }
  throw std::out_of_range("a torus has no such link");
}

unsigned Torus::longest_route() const {
  unsigned links = 0;
  for (const int side : sides_) links += unsigned(side / 2);
  return links;
}

void Torus::route(int from, int to, std::uint64_t flow, std::vector<LinkId>& out) const {
  out.clear();
  std::uint64_t hash = route_hash(from, to, flow);
  int stride = 1;
  LinkId first = 0;  // of a node's links along this dimension
  for (const int side : sides_) {
    int at = from / stride % side, ahead = (to / stride % side - at + side) % side;
    const bool tie = 2 * ahead == side && side > 2;
    const bool forward = tie ? hash % 2 == 0 : 2 * ahead <= side;
    for (int left = forward ? ahead : side - ahead; left > 0; --left) {
      out.push_back(LinkId(from) * per_node_ + first + (forward ? 0 : 1));
      const int next = (at + (forward ? 1 : side - 1)) % side;
      from += (next - at) * stride;
      at = next;
    }
    hash /= 2;
    first += links_along(side);
    stride *= side;
  }
}

TopologyMaker torus(Reader& in) {
  in.about("a grid of any number of dimensions whose ends meet; routes go dimension by dimension");
  std::vector<int> sides;
  std::int64_t room = 1;
  for (const std::int64_t side :
       in.integers("dimensions", {.minimum = 1, .maximum = 1 << 20, .help = "nodes along each, as in [4, 4, 2]"})) {
    sides.push_back(int(side));
    room = std::min(room * side, std::int64_t{1} << 40);
  }
  const int nodes = read_nodes(in, room, "the product of the dimensions");
  const LinkSpec spec = read_link(in);
  if (!in.describing() && sides.empty()) {
    in.finish();  // a misspelt key is the better message
    in.fail("dimensions", "must name the sides, as in [4, 4, 2]");
  }
  return {nodes, [sides, spec](int count) { return std::make_unique<Torus>(count, sides, spec); }};
}

}  // namespace paceline::topologies
