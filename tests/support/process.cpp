#include "tests/support/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using namespace std::chrono_literals;

// Begins a program; when this returns its files are open. Not fork(): copying the page tables of a process under a
// sanitizer takes longer than the program.
pid_t spawn(char* const* words, const char* folder, const char* out, const char* err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_addchdir_np(&actions, folder);
  pid_t child = 0;
  const int fault = posix_spawn(&child, words[0], &actions, nullptr, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (fault != 0) throw std::runtime_error(std::string("cannot begin a process: ") + std::strerror(fault));
  return child;
}

int wait_for(pid_t child, const ProcessOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  for (bool interrupted = false;;) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child)
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (!interrupted && options.interrupt_when && options.interrupt_when()) {
      kill(child, options.signal);
      interrupted = true;
    }
    if (std::chrono::steady_clock::now() - start > 120s) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      throw std::runtime_error("paceline has not ended after two minutes");
    }
    std::this_thread::sleep_for(1ms);
  }
}

}  // namespace

Finished paceline(const std::vector<std::string>& words, const ProcessOptions& options) {
  const std::string own = scratch_folder(), folder = options.folder.empty() ? own : options.folder;
  const std::string out = own + "/stdout", err = own + "/stderr";
  std::vector<std::string> line{"/usr/bin/env"};
  line.insert(line.end(), options.environment.begin(), options.environment.end());
  line.emplace_back(PACELINE_BINARY);
  line.insert(line.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& word : line) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const int code = wait_for(spawn(pointers.data(), folder.c_str(), out.c_str(), err.c_str()), options);
  return {code, read_text(out), read_text(err)};
}

void write_text(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace paceline::test
