#include "sim/experiment/sweep/owner.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace paceline {
namespace {

// The 22nd field of /proc/PID/stat (proc(5)), counted behind the name, which may hold anything; "" without the process,
// or when it is a zombie.
std::string start_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto name = text.rfind(')');
  if (name == text.npos) return "";
  std::istringstream fields(text.substr(name + 1));
  std::string field;
  for (int i = 3; i <= 22 && fields >> field; ++i)
    if (i == 3 && (field == "Z" || field == "X")) return "";
  return field;
}

}  // namespace

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string this_owner() {
  const std::string pid = std::to_string(getpid());
  return fmt::format("{}:{}:{}", host_name(), pid, start_of(pid));
}

Life life_of(const std::string& owner) {
  const auto second = owner.rfind(':'),
             first = second == owner.npos || second == 0 ? owner.npos : owner.rfind(':', second - 1);
  if (first == owner.npos) return Life::dead;
  if (owner.substr(0, first) != host_name()) return Life::elsewhere;
  const std::string start = start_of(owner.substr(first + 1, second - first - 1));
  return !start.empty() && start == owner.substr(second + 1) ? Life::alive : Life::dead;
}

}  // namespace paceline
