#include "tools/paceline/progress_line.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace paceline {
namespace {

// A line longer than the terminal is wide must stay one line, or clear() would not know how many there are.
constexpr const char *cut_at_the_edge = "\x1b[?7l", *wrapped_again = "\x1b[?7h";

volatile std::sig_atomic_t heard = 0;

void hear(int signal) {
  heard = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

ProgressLine::ProgressLine(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO)) {
  if (terminal_) shown_ = {};
}

bool ProgressLine::is_due() const {
  using namespace std::chrono_literals;
  return !quiet_ && Clock::now() - shown_ >= (terminal_ ? 100ms : 10'000ms);
}

void ProgressLine::show(const std::string& text) {
  if (!is_due()) return;
  shown_ = Clock::now();
  clear();
  if (terminal_) fmt::print(stderr, "{}{}{}", cut_at_the_edge, text, wrapped_again);
  else fmt::print(stderr, "{}\n", text);
  std::fflush(stderr);
  if (terminal_) drawn_ = 1 + std::count(text.begin(), text.end(), '\n');
}

void ProgressLine::clear() {
  if (drawn_ > 1) fmt::print(stderr, "\x1b[{}A", drawn_ - 1);
  if (drawn_ > 0) fmt::print(stderr, "\r\x1b[J");
  drawn_ = 0;
}

std::string bar_of(double share) {
  constexpr int width = 30;
  const int filled = share > 0 ? int(width * std::min(share, 1.0)) : 0;
  return fmt::format("[{:#<{}}{:.<{}}]", "", filled, "", width - filled);
}

std::string curve_of(const std::vector<double>& values) {
  constexpr std::size_t width = 40;
  const char* const heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (values.empty()) return "";
  const auto [least, greatest] = std::minmax_element(values.begin(), values.end());
  std::string curve;
  const std::size_t shown = std::min(width, values.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const double value = values[(i + 1) * values.size() / shown - 1], range = *greatest - *least;
    curve += heights[range > 0 ? std::clamp(int(8 * (value - *least) / range), 0, 7) : 0];
  }
  return curve;
}

void hear_signals() {
  std::signal(SIGINT, hear);
  std::signal(SIGTERM, hear);
}

bool asked_to_stop() { return heard != 0; }

}  // namespace paceline
