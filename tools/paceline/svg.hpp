// Svg: lines, boxes, circles and words, put together to a file of their size.
#pragma once
#include <fmt/format.h>

#include <string>
#include <vector>

#include "sim/cluster/topology.hpp"

namespace paceline {

struct Point {
  double x = 0, y = 0;
};

class Svg {
 public:
  // `hint`: what shows when the mouse rests on it.
  void box(Point middle, double width, double height, const std::string& fill, const std::string& hint = "");
  void circle(Point middle, double radius, const std::string& fill, const std::string& hint = "");
  void text(Point at, const std::string& words, double size = 11, const std::string& anchor = "middle");
  // `bow`: how far the middle of the line is off the straight one; an arrow for one direction alone.
  void line(Point from, Point to, double width, const std::string& colour, double bow = 0, bool arrow = false);
  std::string file(double width, double height, const std::string& title) const;

 private:
  std::string body_;
};

// Links that are alike, each kind with a colour of its own and a line in the legend.
class LinkKinds {
 public:
  explicit LinkKinds(const Topology& topology);
  std::size_t of(LinkSpec spec) const;
  std::size_t count() const { return kinds_.size(); }
  std::string colour(std::size_t kind) const;
  double width(std::size_t kind) const;  // by bandwidth
  std::string label(std::size_t kind) const;
  double legend(Svg& svg, Point at) const;  // returns its height

 private:
  std::vector<LinkSpec> kinds_;
};

// How many links each vertex is away from the nodes; cards that are reached at no cost are one away.
std::vector<int> levels(const Topology& topology);

std::string summary_picture(const Topology& topology, const std::string& title);

}  // namespace paceline
