// Runs items of this folder and writes README.md's tables of them, from its mark on; with --check compares one item
// with what stands there, and with what was asked of it.
//   paceline_validation FOLDER            all, in as many threads as there are cores
//   paceline_validation FOLDER --check NAME
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/validation/item.hpp"

namespace paceline::validation {
namespace {

constexpr const char* mark = "<!-- From here on written by tools/validate. -->\n";

std::string read_all(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<Item> items_of(const std::filesystem::path& folder) {
  std::vector<Item> items;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".json") items.push_back(read_item(entry.path().string()));
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.name < b.name; });
  return items;
}

void run_all(std::vector<Item>& items) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::string> faults(items.size());
  const auto work = [&] {
    for (std::size_t i; (i = next++) < items.size();) try {
        run(items[i]);
        fmt::print(stderr, "{}: mean error {:.2f} %, largest {:.2f} %\n", items[i].name, 100 * items[i].mean_error(),
                   100 * items[i].largest_error());
      } catch (const std::exception& error) { faults[i] = error.what(); }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t) threads.emplace_back(work);
  }
  for (const std::string& fault : faults)
    if (!fault.empty()) throw std::runtime_error(fault);
}

void write_readme(const std::filesystem::path& path, const std::vector<Item>& items) {
  std::string text = read_all(path);
  const auto at = text.find(mark);
  if (at == text.npos) throw std::runtime_error(path.string() + " has lost its mark: " + mark);
  text.resize(at);
  text += mark;
  text += "\n| what | calibrated | predicted | mean error | largest | asked |\n| --- | --- | --- | --- | --- | --- |\n";
  for (const Item& item : items) text += line_of(item);
  text += "\n";
  for (const Item& item : items) text += section_of(item);
  text.pop_back();
  const std::string unfinished = path.string() + ".tmp";
  std::ofstream(unfinished, std::ios::binary) << text;
  std::filesystem::rename(unfinished, path);
}

int check(const std::filesystem::path& folder, const std::string& name) {
  Item item = read_item((folder / (name + ".json")).string());
  run(item);
  const std::string readme = read_all(folder / "README.md");
  bool good = true;
  for (const std::string& made : {line_of(item), section_of(item)}) {
    fmt::print("{}", made);
    const std::string text = made.substr(0, made.find_last_not_of('\n') + 1);
    if (item.trains() || readme.find(text) != readme.npos) continue;
    fmt::print("README.md says otherwise; tools/validate writes it anew\n\n");
    good = false;
  }
  for (const std::string& order : item.broken()) fmt::print("{}\n", order);
  if (!item.broken().empty()) return 1;
  if (item.met() || !item.why.empty()) return good ? 0 : 1;
  fmt::print("asked were {} %, and \"why\" does not say why it is more\n", 100 * item.asked.value_or(0));
  return 1;
}

}  // namespace
}  // namespace paceline::validation

int main(int count, char** words) try {
  using namespace paceline::validation;
  const std::vector<std::string> given(words + 1, words + count);
  if (given.size() == 3 && given[1] == "--check") return check(given[0], given[2]);
  if (given.size() != 1) throw std::runtime_error("usage: paceline_validation FOLDER [--check NAME]");
  std::vector<Item> items = items_of(given[0]);
  run_all(items);
  write_readme(std::filesystem::path(given[0]) / "README.md", items);
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
