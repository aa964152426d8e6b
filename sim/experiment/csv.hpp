// A CSV file that is whole or not there: written under a temporary name, renamed when it is complete.
// Numbers are written in the shortest form that reads back to the same bits; what is not finite, or not known, is
// empty.
#pragma once
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace paceline {

class CsvFile {
 public:
  // Opens nothing while `path` is empty. Throws RunError when the file cannot be written.
  CsvFile(std::string path, std::string_view header);
  ~CsvFile();
  CsvFile(const CsvFile&) = delete;

  template <class... Cells>
  void row(const Cells&... cells) {
    if (!file_) return;
    (cell(cells), ...);
    buffer_.data()[buffer_.size() - 1] = '\n';
    if (buffer_.size() > 1 << 16) flush();
  }
  // Completes it: the file takes its name.
  void close();

 private:
  void cell(double value) {
    if (std::isfinite(value)) fmt::format_to(std::back_inserter(buffer_), "{},", value);
    else buffer_.push_back(',');
  }
  void cell(std::optional<double> value) { cell(value.value_or(NAN)); }
  void cell(std::int64_t value) { fmt::format_to(std::back_inserter(buffer_), "{},", value); }
  void cell(int value) { fmt::format_to(std::back_inserter(buffer_), "{},", value); }
  void cell(std::string_view text);
  void flush();

  std::string path_;
  std::FILE* file_ = nullptr;
  fmt::memory_buffer buffer_;
};

// Makes the folders that a file is to be in. What is wrong with them is said when the file is written.
void make_folder_of(const std::string& path);
// Writes a file whole. Throws RunError.
void write_file(const std::string& path, std::string_view text);

}  // namespace paceline
