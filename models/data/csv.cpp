// csv: a table of numbers with one column of labels, as RFC 4180 has it: cells between commas, in double quotes where
// they hold commas, lines of one length; blank lines are passed over. Labels that are all integers are classes in their
// order, others in the order of their bytes. A random share of the rows is for testing; both parts are in file order.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>

#include "models/data/table.hpp"
#include "models/partition.hpp"
#include "sim/core/document.hpp"
#include "sim/core/errors.hpp"

namespace paceline {
namespace {

constexpr std::size_t largest = std::size_t{4} << 30;  // bytes of the file
constexpr int most_classes = 1 << 16;

struct Options {
  std::string path, label;
  bool header = true;
  double test_share = 0.2;
  std::uint64_t seed = 0;
};

struct Cell {
  std::string text;
  unsigned column = 1;  // of its first letter in the line
};

template <class Number>
std::optional<Number> whole(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

class File {
 public:
  explicit File(const std::string& path)
      : name_(std::make_shared<const std::string>(path)), text_(read_file(path, largest)) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // a byte order mark
  }

  // At the line that was read last; column 0: the file as a whole.
  [[noreturn]] void reject(unsigned column, std::string_view rule) const {
    throw ConfigError(Place{name_, column > 0 ? line_ : 0, column}, "", rule);
  }

  // The next line's cells; empty at the end of the file.
  std::vector<Cell> next() {
    while (at_ < text_.size()) {
      ++line_;
      const auto end = std::min(text_.find('\n', at_), text_.size());
      std::string_view line(text_.data() + at_, end - at_);
      at_ = end + 1;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.find_first_not_of(" \t") != line.npos) return cells(line);
    }
    return {};
  }

 private:
  std::vector<Cell> cells(std::string_view line) const {
    std::vector<Cell> made(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') made.back().text += line[i++];
      else if (line[i] == '"') quoted = !quoted;
      else if (line[i] == ',' && !quoted) made.push_back({"", unsigned(i + 2)});
      else made.back().text += line[i];
    }
    if (quoted) reject(made.back().column, "a quote that is not closed");
    return made;
  }

  std::shared_ptr<const std::string> name_;
  std::string text_;
  std::size_t at_ = 0;
  unsigned line_ = 0;
};

class Csv final : public Table {
 public:
  explicit Csv(const Options& options) : Table({}) {
    File file(options.path);
    std::vector<Cell> line = file.next();
    if (line.empty()) file.reject(0, "has no lines");
    const std::size_t columns = line.size(), label = label_column(options, line);
    if (columns < 2) file.reject(1, "has one column; a table needs labels and at least a number besides");
    if (options.header) line = file.next();
    std::vector<float> numbers;
    std::vector<std::string> labels;
    for (; !line.empty(); line = file.next()) {
      if (line.size() != columns)
        file.reject(line.back().column, fmt::format("has {} cells; the lines before have {}", line.size(), columns));
      for (std::size_t i = 0; i < columns; ++i) {
        const Cell& cell = line[i];
        if (cell.text.find_first_not_of(' ') == cell.text.npos) file.reject(cell.column, "a value is missing");
        if (i == label) {
          labels.push_back(cell.text);
          continue;
        }
        const auto number = whole<float>(cell.text);
        if (!number || !std::isfinite(*number))
          file.reject(cell.column, fmt::format("must be a finite number, not \"{}\"", cell.text));
        numbers.push_back(*number);
      }
    }
    if (labels.size() < 2) file.reject(0, "has fewer than two rows: one to train on and one to test on");
    shape_.features = shape_.width = int(columns - 1);
    const std::vector<std::int32_t> classes = classes_of(labels, file);
    const std::vector<Part> parts = parts_of(labels.size(), options);
    for (std::size_t row = 0; row < labels.size(); ++row) {
      add(parts[row], std::span(numbers).subspan(row * (columns - 1), columns - 1), classes[row]);
      ++(parts[row] == Part::train ? shape_.train_rows : shape_.test_rows);
    }
  }

 private:
  static std::size_t label_column(const Options& options, const std::vector<Cell>& first) {
    std::vector<std::string> names;
    for (const Cell& cell : first) names.push_back(cell.text);
    if (options.label.empty()) return names.size() - 1;
    const auto found = std::find(names.begin(), names.end(), options.label);
    if (options.header && found != names.end()) return std::size_t(found - names.begin());
    const auto index = whole<std::size_t>(options.label);
    if (index && *index < names.size()) return *index;
    if (index)
      throw ConfigError(
          {}, "/workload/dataset/label",
          fmt::format("there is no column {}: {} has {}, numbered from 0", *index, options.path, names.size()));
    throw ConfigError({}, "/workload/dataset/label",
                      options.header ? fmt::format("there is no column \"{}\" in {}{}", options.label, options.path,
                                                   did_you_mean_one_of(options.label, names))
                                     : fmt::format("must be the number of a column, from 0, where there is no header, "
                                                   "not \"{}\"",
                                                   options.label));
  }

  std::vector<std::int32_t> classes_of(const std::vector<std::string>& labels, const File& file) {
    std::map<std::pair<std::int64_t, std::string>, std::int32_t> classes;  // integers, or 0 and the text
    const bool integers =
        std::all_of(labels.begin(), labels.end(), [](const auto& label) { return whole<std::int64_t>(label); });
    const auto key = [&](const std::string& label) {
      return integers ? std::pair(*whole<std::int64_t>(label), std::string()) : std::pair(std::int64_t{0}, label);
    };
    for (const std::string& label : labels) classes[key(label)] = 0;
    if (classes.size() < 2 || classes.size() > std::size_t(most_classes))
      file.reject(0, fmt::format("has {} classes; there must be 2 to {}", classes.size(), most_classes));
    for (auto& [label, number] : classes) number = shape_.classes++;
    std::vector<std::int32_t> made;
    for (const std::string& label : labels) made.push_back(classes[key(label)]);
    return made;
  }

  // At least a row each.
  static std::vector<Part> parts_of(std::size_t rows, const Options& options) {
    std::vector<std::uint32_t> order(rows);
    std::iota(order.begin(), order.end(), 0u);
    shuffle(order, Stream(options.seed, "csv", 0));
    const auto tests =
        std::clamp<std::size_t>(std::size_t(std::llround(double(rows) * options.test_share)), 1, rows - 1);
    std::vector<Part> parts(rows, Part::train);
    for (std::size_t i = 0; i < tests; ++i) parts[order[i]] = Part::test;
    return parts;
  }
};

// Read when it is first asked for.
struct Later {
  Options options;
  std::once_flag once;
  std::shared_ptr<const Dataset> data;

  const std::shared_ptr<const Dataset>& get() {
    std::call_once(once, [&] { data = std::make_shared<const Csv>(options); });
    return data;
  }
};

}  // namespace

namespace datasets {

DatasetMaker csv(Reader& in) {
  in.about("a table of numbers with a column of labels, in a file of comma-separated values.");
  Options options;
  options.path = in.data_path("path", "the file; must be given");
  options.label = in.text("label", {.fallback = "",
                                    .help = "column of the labels: its name, or its number from 0 as "
                                            "a text; by default the last"});
  options.header = in.boolean("header", true, "the first line has the names of the columns");
  options.test_share = in.number("test_share", {.minimum = 0,
                                                .maximum = 1,
                                                .above_minimum = true,
                                                .fallback = 0.2,
                                                .help = "of the rows, at random, are for testing; at least one"});
  const auto given =
      in.optional_integer("seed", {.minimum = 0, .help = "of which these are; by default the scenario's"});
  options.seed = given ? std::uint64_t(*given) : in.context().seed;
  if (options.path.empty() && !in.describing()) in.fail("path", "missing: a file of comma-separated values");
  auto later = std::make_shared<Later>();
  later->options = options;
  return {[later] { return later->get()->shape(); }, [later] { return later->get(); }};
}

}  // namespace datasets
}  // namespace paceline
