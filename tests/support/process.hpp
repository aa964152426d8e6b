// The program itself, run from a test: its exit code and what it printed.
#pragma once
#include <csignal>
#include <functional>
#include <string>
#include <vector>

namespace paceline::test {

struct Finished {
  int code = -1;  // of the exit; 128 + the signal that ended it
  std::string out, err;
};

struct ProcessOptions {
  std::string folder{};                    // to run in; by default a scratch folder
  std::vector<std::string> environment{};  // NAME=VALUE, added
  // A signal is sent once this is true.
  std::function<bool()> interrupt_when{};
  int signal = SIGINT;
};

// Throws when it has not ended after two minutes.
Finished paceline(const std::vector<std::string>& words, const ProcessOptions& options = {});

void write_text(const std::string& path, const std::string& text);

}  // namespace paceline::test
