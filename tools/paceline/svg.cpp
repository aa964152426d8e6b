#include "tools/paceline/svg.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include "sim/core/units.hpp"

namespace paceline {
namespace {

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '<') safe += "&lt;";
    else if (letter == '>') safe += "&gt;";
    else if (letter == '&') safe += "&amp;";
    else if (letter == '"') safe += "&quot;";
    else safe += static_cast<unsigned char>(letter) < 0x20 ? ' ' : letter;
  }
  return safe;
}

std::string hint_of(const std::string& hint) {
  return hint.empty() ? "/>\n" : fmt::format("><title>{}</title></{{}}>\n", escaped(hint));
}

bool alike(LinkSpec a, LinkSpec b) {
  return a.bandwidth == b.bandwidth && a.latency == b.latency && a.efficiency == b.efficiency &&
         a.overhead == b.overhead;
}

}  // namespace

void Svg::box(Point middle, double width, double height, const std::string& fill, const std::string& hint) {
  body_ += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"4\" fill=\"{}\"",
                       middle.x - width / 2, middle.y - height / 2, width, height, fill);
  body_ += fmt::format(fmt::runtime(hint_of(hint)), "rect");
}

void Svg::circle(Point middle, double radius, const std::string& fill, const std::string& hint) {
  body_ +=
      fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" fill=\"{}\"", middle.x, middle.y, radius, fill);
  body_ += fmt::format(fmt::runtime(hint_of(hint)), "circle");
}

void Svg::text(Point at, const std::string& words, double size, const std::string& anchor) {
  body_ += fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:g}\" text-anchor=\"{}\" stroke=\"none\" fill=\"#222\">{}</text>\n",
      at.x, at.y + size * 0.35, size, anchor, escaped(words));
}

void Svg::line(Point from, Point to, double width, const std::string& colour, double bow, bool arrow) {
  const double length = std::max(1e-9, std::hypot(to.x - from.x, to.y - from.y));
  const Point over{(from.x + to.x) / 2 + 2 * bow * (to.y - from.y) / length,
                   (from.y + to.y) / 2 - 2 * bow * (to.x - from.x) / length};
  const std::string way = bow == 0 ? fmt::format("L{:.1f} {:.1f}", to.x, to.y)
                                   : fmt::format("Q{:.1f} {:.1f} {:.1f} {:.1f}", over.x, over.y, to.x, to.y);
  body_ +=
      fmt::format("<path d=\"M{:.1f} {:.1f}{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{:.1f}\"{}/>\n", from.x,
                  from.y, way, colour, width, arrow ? " marker-mid=\"url(#arrow)\" marker-end=\"url(#arrow)\"" : "");
}

std::string Svg::file(double width, double height, const std::string& title) const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"Helvetica, Arial, sans-serif\" stroke=\"#555\">\n"
      "<title>{2}</title>\n"
      "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"16\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
      "orient=\"auto\" markerUnits=\"userSpaceOnUse\"><path d=\"M0 0L8 4L0 8z\" fill=\"#333\" "
      "stroke=\"none\"/></marker></defs>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\" stroke=\"none\"/>\n{3}</svg>\n",
      width, height, escaped(title), body_);
}

LinkKinds::LinkKinds(const Topology& topology) {
  for (LinkId id = 0; id < topology.links(); ++id) {
    const LinkSpec spec = topology.link(id);
    if (of(spec) == kinds_.size()) kinds_.push_back(spec);
  }
  std::stable_sort(kinds_.begin(), kinds_.end(), [](LinkSpec a, LinkSpec b) { return a.bandwidth > b.bandwidth; });
}

std::size_t LinkKinds::of(LinkSpec spec) const {
  return std::size_t(std::find_if(kinds_.begin(), kinds_.end(), [&](LinkSpec kind) { return alike(kind, spec); }) -
                     kinds_.begin());
}

std::string LinkKinds::colour(std::size_t kind) const {
  static const std::vector<std::string> colours{"#1f77b4", "#d62728", "#2ca02c", "#9467bd",
                                                "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f"};
  return colours[kind % colours.size()];
}

double LinkKinds::width(std::size_t kind) const {
  const double least = kinds_.back().bandwidth, most = kinds_.front().bandwidth;
  return most > least ? 1.2 + 2.8 * std::log(kinds_[kind].bandwidth / least) / std::log(most / least) : 1.6;
}

std::string LinkKinds::label(std::size_t kind) const {
  const LinkSpec& spec = kinds_[kind];
  std::string text = fmt::format("{} ({:.4g} Gb/s), {}", show_bandwidth(spec.bandwidth), spec.bandwidth * 8e-9,
                                 show_duration(to_seconds(spec.latency)));
  if (spec.efficiency != 1) text += fmt::format(", efficiency {:g}", spec.efficiency);
  if (spec.overhead > Span{0}) text += fmt::format(", {} per message", show_duration(to_seconds(spec.overhead)));
  return text;
}

double LinkKinds::legend(Svg& svg, Point at) const {
  constexpr std::size_t most = 8;
  constexpr double row = 18;
  const std::size_t shown = std::min(most, count());
  for (std::size_t kind = 0; kind < shown; ++kind) {
    const double y = at.y + row * double(kind);
    svg.line({at.x, y}, {at.x + 30, y}, width(kind), colour(kind));
    svg.text({at.x + 38, y}, label(kind), 11, "start");
  }
  if (count() > shown)
    svg.text({at.x + 38, at.y + row * double(shown)}, fmt::format("and {} kinds more", count() - shown), 11, "start");
  return row * double(shown + (count() > shown ? 1 : 0));
}

std::vector<int> levels(const Topology& topology) {
  const auto vertices = std::size_t(topology.vertices());
  std::vector<std::vector<int>> next(vertices);
  for (LinkId id = 0; id < topology.links(); ++id) {
    const Ends at = topology.ends(id);
    next[std::size_t(at.from)].push_back(at.to);
    next[std::size_t(at.to)].push_back(at.from);
  }
  std::vector<int> level(vertices, -1);
  std::deque<int> reached;
  const auto reach = [&](int vertex, int at) {
    if (level[std::size_t(vertex)] >= 0) return;
    level[std::size_t(vertex)] = at;
    reached.push_back(vertex);
  };
  for (int node = 0; node < topology.nodes(); ++node) reach(node, 0);
  for (int node = 0; node < topology.nodes(); ++node) reach(topology.port(node), 1);
  while (!reached.empty()) {
    const int vertex = reached.front();
    reached.pop_front();
    for (const int other : next[std::size_t(vertex)]) reach(other, level[std::size_t(vertex)] + 1);
  }
  for (int& its : level) its = std::max(its, 0);
  return level;
}

}  // namespace paceline
