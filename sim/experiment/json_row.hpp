// One object of a JSON array on a line of its own, written straight into a text: there may be hundreds of thousands of
// workers and links. Numbers in the shortest form that reads back to the same bits; those that are not finite are null.
#pragma once
#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paceline {

class JsonRow {
 public:
  explicit JsonRow(std::string& out) : out_(out) { out_ += '{'; }
  ~JsonRow() { out_ += '}'; }
  JsonRow(const JsonRow&) = delete;

  JsonRow& add(std::string_view key, std::optional<double> value) {
    if (!value || !std::isfinite(*value)) return text(key, "null");
    name(key);
    fmt::format_to(std::back_inserter(out_), "{}", *value);
    return *this;
  }
  JsonRow& add(std::string_view key, std::int64_t value) {
    name(key);
    fmt::format_to(std::back_inserter(out_), "{}", value);
    return *this;
  }
  JsonRow& add(std::string_view key, std::optional<std::int64_t> value) {
    return value ? add(key, *value) : text(key, "null");
  }
  JsonRow& add(std::string_view key, const std::vector<std::int64_t>& values) {  // empty: null
    return values.empty() ? text(key, "null") : text(key, fmt::format("[{}]", fmt::join(values, ",")));
  }
  JsonRow& add(std::string_view key, int value) { return add(key, std::int64_t(value)); }
  JsonRow& add(std::string_view key, double value) { return add(key, std::optional<double>(value)); }
  JsonRow& add(std::string_view key, const std::string& value) {
    return text(key, nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

 private:
  void name(std::string_view key) {
    if (out_.back() != '{') out_ += ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }
  JsonRow& text(std::string_view key, std::string_view value) {
    name(key);
    out_ += value;
    return *this;
  }
  std::string& out_;
};

}  // namespace paceline
