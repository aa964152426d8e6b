// Nodes below, switches above, level by level; nodes that are joined directly on a circle or a grid; hosts as boxes
// with their fabric and cards inside.
#include "tools/paceline/picture.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "tools/paceline/svg.hpp"

namespace paceline {
namespace {

constexpr double margin = 40, head = 60, step = 34;

class Layout {
 public:
  explicit Layout(const Topology& topology)
      : topology_(topology), level_(levels(topology)), at_(std::size_t(topology.vertices())) {
    const std::vector<int> sides = topology.sides();
    if (sides.size() > 1) grid(sides);
    else if (sides.size() == 1 || !has_switches()) circle();
    else rows();
  }

  struct Box {
    Point middle;
    double width, height;
    std::string name;
  };
  Point at(int vertex) const { return at_[std::size_t(vertex)]; }
  double width() const { return width_; }
  double height() const { return height_; }
  const std::vector<Box>& hosts() const { return hosts_; }
  // How much a link bows: those that would hide others behind them.
  double bow(int from, int to) const {
    const Point a = at(from), b = at(to);
    if (form_ == Form::grid && std::hypot(a.x - b.x, a.y - b.y) > 1.5 * step_) return 0.32 * step_;
    if (form_ != Form::rows || std::abs(a.y - b.y) > 1) return 0;
    const double apart = std::abs(a.x - b.x);
    if (topology_.host(from) == topology_.host(to) && apart < 1.5 * step) return 0;
    return (a.x < b.x ? 1 : -1) * std::min(0.22 * apart, 0.4 * row_);
  }

 private:
  enum class Form { rows, circle, grid };

  bool has_switches() const { return topology_.vertices() > topology_.nodes() || topology_.links() == 0; }

  void circle() {
    form_ = Form::circle;
    const int count = topology_.vertices();
    const double radius = std::max(90.0, double(count) * step / (2 * std::numbers::pi));
    for (int i = 0; i < count; ++i)
      at_[std::size_t(i)] = on_circle({margin + radius, head + radius + 20}, radius, i, count);
    width_ = 2 * (margin + radius);
    height_ = head + 2 * radius + 40;
  }
  static Point on_circle(Point middle, double radius, int i, int count) {
    const double angle = 2 * std::numbers::pi * i / count - std::numbers::pi / 2;
    return {middle.x + radius * std::cos(angle), middle.y + radius * std::sin(angle)};
  }

  // Dimensions 0, 2, 4, … to the right, 1, 3, 5, … down, each further one by whole blocks of those before.
  void grid(const std::vector<int>& sides) {
    form_ = Form::grid;
    step_ = 1.7 * step;
    std::vector<double> pitch;
    double extent[2] = {1, 1};
    for (std::size_t d = 0; d < sides.size(); ++d) {
      pitch.push_back(extent[d % 2]);
      extent[d % 2] = extent[d % 2] * sides[d] + (d < 2 ? 0.6 : 1);
    }
    for (int vertex = 0; vertex < topology_.vertices(); ++vertex) {
      double place[2] = {0, 0};
      int rest = vertex;
      for (std::size_t d = 0; d < sides.size(); ++d) {
        place[d % 2] += rest % sides[d] * pitch[d];
        rest /= sides[d];
      }
      at_[std::size_t(vertex)] = {margin + 30 + place[0] * step_, head + 40 + place[1] * step_};
    }
    for (const Point& at : at_) {
      width_ = std::max(width_, at.x + margin + 30);
      height_ = std::max(height_, at.y + 40);
    }
  }

  void rows() {
    const double bottom = place_hosts();
    std::map<int, std::vector<int>> by_level;  // of the network's switches
    for (int v = topology_.nodes(); v < topology_.vertices(); ++v)
      if (topology_.host(v) < 0) by_level[level_[std::size_t(v)]].push_back(v);
    for (const auto& [level, own] : by_level) width_ = std::max(width_, 2 * margin + 56.0 * double(own.size()));
    row_ = std::max(96.0, width_ / 14);
    const double top = head + 20 + row_ * double(by_level.size());
    for (int v = 0; v < topology_.vertices(); ++v)
      if (topology_.host(v) >= 0) at_[std::size_t(v)].y += top;
    for (Box& host : hosts_) host.middle.y += top;
    double y = top;
    for (const auto& [level, own] : by_level) {
      y -= row_;
      for (std::size_t i = 0; i < own.size(); ++i)
        at_[std::size_t(own[i])] = {margin + (width_ - 2 * margin) * (double(i) + 0.5) / double(own.size()), y + 20};
    }
    height_ = top + bottom + 20;
  }

  // From y = 0 down; returns the height.
  double place_hosts() {
    if (topology_.hosts() == topology_.nodes()) {
      for (int node = 0; node < topology_.nodes(); ++node) at_[std::size_t(node)] = {margin + (node + 0.5) * step, 20};
      width_ = std::max(320.0, 2 * margin + topology_.nodes() * step);
      const double spare = (width_ - 2 * margin - topology_.nodes() * step) / 2;
      for (int node = 0; node < topology_.nodes(); ++node) at_[std::size_t(node)].x += spare;
      return 50;
    }
    std::vector<std::vector<int>> nodes(std::size_t(topology_.hosts())), cards(nodes), inner(nodes);
    std::vector<bool> border(std::size_t(topology_.vertices()));
    for (LinkId id = 0; id < topology_.links(); ++id) {
      const Ends at = topology_.ends(id);
      if (topology_.host(at.from) != topology_.host(at.to))
        border[std::size_t(at.from)] = border[std::size_t(at.to)] = true;
    }
    for (int v = 0; v < topology_.vertices(); ++v) {
      if (topology_.host(v) < 0) continue;
      auto& where = v < topology_.nodes() ? nodes : border[std::size_t(v)] ? cards : inner;
      where[std::size_t(topology_.host(v))].push_back(v);
    }
    double x = margin, height = 0;
    for (std::size_t h = 0; h < nodes.size(); ++h) {
      const bool direct = inner[h].empty() && nodes[h].size() > 2;
      std::map<int, std::vector<int>> switches;
      for (const int v : inner[h]) switches[level_[std::size_t(v)]].push_back(v);
      const double radius = direct ? std::max(60.0, double(nodes[h].size()) * 40 / (2 * std::numbers::pi)) : 0;
      const double room = std::max({double(nodes[h].size()) * (direct ? 0 : step), double(cards[h].size()) * 44,
                                    2 * radius + 40, double(inner[h].size()) * 34, 90.0}) +
                          16;
      const auto spread = [&](const std::vector<int>& own, double y) {
        for (std::size_t i = 0; i < own.size(); ++i)
          at_[std::size_t(own[i])] = {x + 8 + (room - 16) * (double(i) + 0.5) / double(own.size()), y};
      };
      double y = 24;
      spread(cards[h], y);
      for (auto level = switches.rbegin(); level != switches.rend(); ++level) spread(level->second, y += 60);
      if (direct) {
        y += 40 + radius;
        for (std::size_t i = 0; i < nodes[h].size(); ++i)
          at_[std::size_t(nodes[h][i])] = on_circle({x + room / 2, y}, radius, int(i), int(nodes[h].size()));
        y += radius;
      } else {
        spread(nodes[h], y += 60);
      }
      height = y + 40;
      hosts_.push_back({{x + room / 2, height / 2}, room, height, fmt::format("h{}", h)});
      x += room + 14;
    }
    width_ = std::max(320.0, x + margin - 14);
    return height;
  }

  const Topology& topology_;
  std::vector<int> level_;
  std::vector<Point> at_;
  std::vector<Box> hosts_;
  Form form_ = Form::rows;
  double width_ = 0, height_ = 0, step_ = step, row_ = 0;
};

void draw_links(Svg& svg, const Topology& topology, const Layout& layout, const LinkKinds& kinds) {
  std::map<std::pair<int, int>, LinkId> open;  // whose other direction has not come yet
  const auto draw = [&](LinkId id, bool arrow) {
    const Ends at = topology.ends(id);
    const std::size_t kind = kinds.of(topology.link(id));
    svg.line(layout.at(at.from), layout.at(at.to), kinds.width(kind), kinds.colour(kind),
             layout.bow(at.from, at.to) + (arrow ? 5 : 0), arrow);
  };
  for (LinkId id = 0; id < topology.links(); ++id) {
    const Ends at = topology.ends(id);
    const auto back = open.find({at.to, at.from});
    if (back == open.end() || kinds.of(topology.link(back->second)) != kinds.of(topology.link(id))) {
      open[{at.from, at.to}] = id;
      continue;
    }
    draw(back->second, false);
    open.erase(back);
  }
  for (const auto& [ends, id] : open) draw(id, true);
  for (int node = 0; node < topology.nodes(); ++node)
    if (topology.port(node) != node) svg.line(layout.at(node), layout.at(topology.port(node)), 1, "#bbb");
}

}  // namespace

std::string picture(const Topology& topology, const std::string& file) {
  constexpr int most = 256;
  std::string title = fmt::format("{}: {} nodes", file, topology.nodes());
  if (topology.hosts() < topology.nodes()) title += fmt::format(" in {} hosts", topology.hosts());
  if (topology.nodes() > most) return summary_picture(topology, title);
  const Layout layout(topology);
  const LinkKinds kinds(topology);
  Svg svg;
  svg.text({margin, 24}, title, 15, "start");
  for (const auto& host : layout.hosts()) {
    svg.box(host.middle, host.width, host.height, "#f4f4f4");
    svg.text({host.middle.x - host.width / 2 + 6, host.middle.y + host.height / 2 - 9}, host.name, 11, "start");
  }
  draw_links(svg, topology, layout, kinds);
  for (int vertex = 0; vertex < topology.vertices(); ++vertex) {
    const std::string name = topology.vertex_name(vertex), last = name.substr(name.rfind('.') + 1);
    if (vertex < topology.nodes()) {
      svg.circle(layout.at(vertex), 12, "#cfe3f5", name);
      const auto number = last.find_first_of("0123456789");
      const bool short_name = last.size() <= 4;
      svg.text(layout.at(vertex), short_name || number == last.npos ? last.substr(0, 6) : last.substr(number), 9);
    } else {
      const bool inside = topology.host(vertex) >= 0;
      const double width =
          inside ? std::max(30.0, 6.0 * double(last.size())) : std::max(50.0, 6.0 * double(last.size()));
      svg.box(layout.at(vertex), width, inside ? 18 : 24, inside ? "#dff0d8" : "#fdebc8", name);
      svg.text(layout.at(vertex), last, 10);
    }
  }
  const double legend = kinds.legend(svg, {margin, layout.height() + 20});
  return svg.file(std::max(layout.width(), 420.0), layout.height() + legend + 30, title);
}

}  // namespace paceline
