#include "sim/experiment/csv.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "sim/core/errors.hpp"

namespace paceline {
namespace {

std::string temporary(const std::string& path) { return path + ".partial"; }

[[noreturn]] void fail(const std::string& path) {
  throw RunError(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

void take_name(const std::string& path) {
  std::error_code error;
  std::filesystem::rename(temporary(path), path, error);
  if (error) throw RunError(fmt::format("{}: cannot be written: {}", path, error.message()));
}

}  // namespace

CsvFile::CsvFile(std::string path, std::string_view header) : path_(std::move(path)) {
  if (path_.empty()) return;
  file_ = std::fopen(temporary(path_).c_str(), "wb");
  if (!file_) fail(path_);
  buffer_.append(header);
  buffer_.push_back('\n');
}

CsvFile::~CsvFile() {
  if (!file_) return;
  std::fclose(file_);
  std::remove(temporary(path_).c_str());
}

void CsvFile::cell(std::string_view text) {
  if (text.find_first_of(",\"\n") == text.npos) {
    buffer_.append(text);
  } else {
    buffer_.push_back('"');
    for (char letter : text) {
      if (letter == '"') buffer_.push_back('"');
      buffer_.push_back(letter);
    }
    buffer_.push_back('"');
  }
  buffer_.push_back(',');
}

void CsvFile::flush() {
  if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_) != buffer_.size()) fail(path_);
  buffer_.clear();
}

void CsvFile::close() {
  if (!file_) return;
  flush();
  std::FILE* const file = std::exchange(file_, nullptr);
  if (std::fclose(file) != 0) fail(path_);
  take_name(path_);
}

void make_folder_of(const std::string& path) {
  std::error_code error;
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty())
    std::filesystem::create_directories(folder, error);
}

void write_file(const std::string& path, std::string_view text) {
  std::FILE* const file = std::fopen(temporary(path).c_str(), "wb");
  if (!file) fail(path);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) fail(path);
  take_name(path);
}

}  // namespace paceline
