#include "sim/core/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace paceline {
namespace {

using Scale = std::pair<std::string_view, double>;

constexpr std::array<Scale, 10> times{{{"ps", 1e-12},
                                       {"ns", 1e-9},
                                       {"us", 1e-6},
                                       {"µs", 1e-6},
                                       {"ms", 1e-3},
                                       {"s", 1},
                                       {"min", 60},
                                       {"h", 3600},
                                       {"d", 86400},
                                       {"days", 86400}}};
constexpr std::array<Scale, 12> prefixes{{{"", 1},
                                          {"k", 1e3},
                                          {"K", 1e3},
                                          {"M", 1e6},
                                          {"G", 1e9},
                                          {"T", 1e12},
                                          {"P", 1e15},
                                          {"Ki", 0x1p10},
                                          {"Mi", 0x1p20},
                                          {"Gi", 0x1p30},
                                          {"Ti", 0x1p40},
                                          {"Pi", 0x1p50}}};
constexpr std::array<Scale, 6> rates{
    {{"bps", 0.125}, {"Bps", 1}, {"b/s", 0.125}, {"bit/s", 0.125}, {"B/s", 1}, {"Bit/s", 0.125}}};
constexpr std::array<Scale, 1> sizes{{{"B", 1}}};
constexpr std::array<Scale, 3> speeds{{{"FLOPS", 1}, {"FLOP/s", 1}, {"FLOPs", 1}}};

template <std::size_t N>
std::optional<double> prefixed(std::string_view unit, const std::array<Scale, N>& units) {
  for (const auto& [name, factor] : units) {
    if (!unit.ends_with(name)) continue;
    const std::string_view prefix = unit.substr(0, unit.size() - name.size());
    for (const auto& [letters, scale] : prefixes)
      if (prefix == letters) return factor * scale;
  }
  return {};
}

std::optional<double> scale_of(std::string_view unit, Dimension dimension) {
  switch (dimension) {
    case Dimension::bandwidth:
      return prefixed(unit, rates);
    case Dimension::bytes:
      return prefixed(unit, sizes);
    case Dimension::compute:
      return prefixed(unit, speeds);
    case Dimension::duration:
      break;
  }
  for (const auto& [name, factor] : times)
    if (unit == name) return factor;
  return {};
}

std::string show(double value, std::string_view unit) {
  const double size = std::abs(value);
  if (size >= 1e6) return fmt::format("{:.4g} {}", value, unit);
  return fmt::format("{:.{}f} {}", value, size >= 100 ? 1 : size >= 10 ? 2 : 3, unit);
}

}  // namespace

std::optional<double> parse_quantity(std::string_view text, Dimension dimension) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || !std::isfinite(number)) return {};
  std::string_view unit(end, std::size_t(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  const auto scale = scale_of(unit, dimension);
  // A duration is divided by a whole number where that is exact: "3ms" is 3 / 1000, the double nearest to 0.003.
  if (!scale) return {};
  return *scale < 1 ? number / std::round(1 / *scale) : number * *scale;
}

std::string_view accepted_units(Dimension dimension) {
  switch (dimension) {
    case Dimension::duration:
      return "ps ns us ms s min h d";
    case Dimension::bandwidth:
      return "bps kbps Mbps Gbps Tbps (bits), Bps kBps MBps GBps TBps MiBps GiBps (bytes)";
    case Dimension::bytes:
      return "B kB MB GB TB KiB MiB GiB TiB";
    case Dimension::compute:
      return "FLOPS GFLOPS TFLOPS PFLOPS";
  }
  return "";
}

std::string_view example_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::duration:
      return "5us";
    case Dimension::bandwidth:
      return "100Gbps";
    case Dimension::bytes:
      return "25MiB";
    case Dimension::compute:
      return "14TFLOPS";
  }
  return "";
}

std::string_view name_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::duration:
      return "duration";
    case Dimension::bandwidth:
      return "bandwidth";
    case Dimension::bytes:
      return "size in bytes";
    case Dimension::compute:
      return "compute speed";
  }
  return "";
}

std::string show_duration(double seconds) {
  const double size = std::abs(seconds);
  if (size == 0) return "0 s";
  if (size < 1e-9) return show(seconds * 1e12, "ps");
  if (size < 1e-6) return show(seconds * 1e9, "ns");
  if (size < 1e-3) return show(seconds * 1e6, "us");
  if (size < 1) return show(seconds * 1e3, "ms");
  if (size < 600) return show(seconds, "s");
  if (size < 7200) return show(seconds / 60, "min");
  return size < 172800 ? show(seconds / 3600, "h") : show(seconds / 86400, "d");
}

std::string show_bytes(double bytes) {
  if (bytes < 1000) return fmt::format("{:.0f} B", bytes);
  if (bytes < 1e6) return show(bytes / 1e3, "kB");
  if (bytes < 1e9) return show(bytes / 1e6, "MB");
  return bytes < 1e12 ? show(bytes / 1e9, "GB") : show(bytes / 1e12, "TB");
}

std::string show_bandwidth(double bytes_per_second) { return show_bytes(bytes_per_second) + "/s"; }

std::string show_count(double count) {
  if (count < 1e4) return fmt::format("{:.0f}", count);
  if (count < 1e6) return show(count / 1e3, "k");
  return count < 1e9 ? show(count / 1e6, "M") : show(count / 1e9, "G");
}

}  // namespace paceline
