// Progress of long work on stderr: on a terminal a line, or several, rewritten ten times a second, otherwise a new one
// every 10 s. And whether the user wants it to end.
#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace paceline {

class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;

  bool is_due() const;
  void show(const std::string& text);  // where it is due
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool quiet_, terminal_;
  std::ptrdiff_t drawn_ = 0;  // lines on the terminal
  Clock::time_point shown_ = Clock::now();
};

// Pieces of it: 30 characters of which the share is filled; a curve of at most 40 characters, from its least value to
// its greatest.
std::string bar_of(double share);
std::string curve_of(const std::vector<double>& values);

// From now on SIGINT and SIGTERM are heard; the second one ends the process.
void hear_signals();
bool asked_to_stop();

}  // namespace paceline
