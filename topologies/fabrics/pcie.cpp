// pcie: a tree. Accelerators and network cards are spread evenly over PCIe switches, these over root complexes, which
// are all joined to each other. Everything that leaves the host passes the accelerator's own PCIe link.
#include <fmt/format.h>

#include "topologies/fabrics/fabric.hpp"

namespace paceline::fabrics {

FabricMaker pcie(Reader& in) {
  in.about("a tree: accelerators and network cards under PCIe switches under root complexes");
  const int switches =
      int(in.integer("switches", {.minimum = 1, .maximum = 256, .fallback = 2, .help = "PCIe switches of a host"}));
  const int roots = int(in.integer(
      "roots", {.minimum = 1, .maximum = 16, .fallback = 2, .help = "root complexes (sockets), all joined"}));
  const LinkSpec spec = topologies::read_link(in);
  const LinkSpec root_link =
      topologies::read_optional_link(in, "root_link", "between two root complexes, if it differs").value_or(spec);
  return {[=](int count, int nics) {
    auto shape = accelerators(count);
    for (int i = 0; i < nics; ++i) shape.add(fmt::format("nic{}", i));
    shape.nodes = count + nics;
    const int first_switch = shape.nodes, first_root = first_switch + switches;
    for (int i = 0; i < switches; ++i) shape.add(fmt::format("pcie{}", i));
    for (int i = 0; i < roots; ++i) shape.add(fmt::format("root{}", i));
    for (int i = 0; i < count; ++i) shape.join(i, first_switch + i * switches / count, spec);
    for (int i = 0; i < nics; ++i) shape.join(count + i, first_switch + i * switches / nics, spec);
    for (int i = 0; i < switches; ++i) shape.join(first_switch + i, first_root + i * roots / switches, spec);
    for (int i = 0; i < roots; ++i)
      for (int k = i + 1; k < roots; ++k) shape.join(first_root + i, first_root + k, root_link);
    return shape;
  }};
}

}  // namespace paceline::fabrics
