#include "sim/experiment/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "sim/core/errors.hpp"

namespace paceline {
namespace {

const std::string title = "paceline checkpoint 1, " PACELINE_VERSION "\n";

class Writer {
 public:
  explicit Writer(const std::string& path) : path_(path), file_(path + ".partial", std::ios::binary) {}
  void bytes(const void* first, std::size_t count) {
    file_.write(static_cast<const char*>(first), std::streamsize(count));
  }
  template <class T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes(&value, sizeof value);
  }
  void number(std::optional<double> value) {
    number(std::uint8_t(value.has_value()));
    number(value.value_or(0));
  }
  void text(const std::string& text) {
    number(std::uint64_t(text.size()));
    bytes(text.data(), text.size());
  }
  // The file takes its name.
  void close() {
    file_.close();
    std::error_code error;
    if (file_) std::filesystem::rename(path_ + ".partial", path_, error);
    if (!file_ || error) throw RunError(fmt::format("{}: cannot be written", path_));
  }

 private:
  std::string path_;
  std::ofstream file_;
};

class FileReader {
 public:
  explicit FileReader(const std::string& path) : path_(path), file_(path, std::ios::binary) {
    std::error_code error;
    left_ = std::filesystem::file_size(path, error);
    if (!file_ || error) throw RunError(fmt::format("{}: cannot be read", path_));
  }
  void bytes(void* first, std::size_t count) {
    expect(count);
    left_ -= count;
    file_.read(static_cast<char*>(first), std::streamsize(count));
    if (!file_) spoilt();
  }
  template <class T>
  T number() {
    T value;
    bytes(&value, sizeof value);
    return value;
  }
  std::optional<double> optional() {
    const bool there = number<std::uint8_t>() != 0;
    const double value = number<double>();
    return there ? std::optional(value) : std::nullopt;
  }
  // Of things of at least so many bytes each.
  std::size_t count(std::size_t each) {
    const auto n = number<std::uint64_t>();
    if (n > left_ / each) spoilt();
    return std::size_t(n);
  }
  std::string text() {
    std::string text(count(1), ' ');
    bytes(text.data(), text.size());
    return text;
  }
  bool at_end() const { return left_ == 0; }
  [[noreturn]] void spoilt() const { throw RunError(fmt::format("{}: is no whole checkpoint", path_)); }

 private:
  void expect(std::size_t bytes) const {
    if (bytes > left_) spoilt();
  }
  std::string path_;
  std::ifstream file_;
  std::uintmax_t left_ = 0;
};

}  // namespace

struct Checkpoints::Saved {
  struct Array {
    std::uint64_t ordinal;
    std::vector<std::byte> bytes;
  };
  std::uint64_t events = 0, fingerprint = 0;
  std::vector<Array> arrays;
};

Checkpoints::Checkpoints(std::string path, std::string hash, Engine& engine, GradientPool& pool, Ledger& ledger)
    : path_(std::move(path)), hash_(std::move(hash)), engine_(engine), pool_(pool), ledger_(ledger) {
  pool_.keep(journal_);
}
Checkpoints::~Checkpoints() = default;

std::uint64_t Checkpoints::target() const { return target_->events; }

double Checkpoints::age() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - latest_).count();
}

void Checkpoints::remove() const {
  std::error_code none;
  std::filesystem::remove(path_, none);
}

void Checkpoints::write() {
  pool_.rest();
  const std::vector<const void*> unused = pool_.unused();
  std::vector<Ledger::Array> arrays = ledger_.arrays();
  std::erase_if(arrays, [&](const Ledger::Array& array) {
    return std::find(unused.begin(), unused.end(), array.bytes.data()) != unused.end();
  });
  Writer out(path_);
  out.text(title);
  out.text(hash_);
  out.number(engine_.events());
  out.number(engine_.fingerprint());
  out.number(std::int32_t(pool_.ahead_for()));
  out.number(std::uint64_t(journal_.losses.size()));
  for (const auto& loss : journal_.losses) out.number(loss);
  out.number(std::uint64_t(journal_.evaluations.size()));
  for (const Evaluation& each : journal_.evaluations) {
    out.number(each.loss);
    out.number(each.accuracy);
  }
  out.number(std::uint64_t(arrays.size()));
  for (const Ledger::Array& array : arrays) {
    out.number(array.ordinal);
    out.number(std::uint64_t(array.bytes.size()));
    out.bytes(array.bytes.data(), array.bytes.size());
  }
  out.close();
  latest_ = std::chrono::steady_clock::now();
}

void Checkpoints::resume() {
  FileReader in(path_);
  auto saved = std::make_unique<Saved>();
  const std::string of = in.text();
  if (of != title)
    throw RunError(fmt::format("{}: is \"{}\", not \"{}\": it was written by another version", path_,
                               of.substr(0, of.find('\n')), title.substr(0, title.size() - 1)));
  if (in.text() != hash_) throw RunError(fmt::format("{}: is of another scenario", path_));
  saved->events = in.number<std::uint64_t>();
  saved->fingerprint = in.number<std::uint64_t>();
  pool_.set_ahead_for(in.number<std::int32_t>());
  journal_.losses.resize(in.count(9));
  for (auto& loss : journal_.losses) loss = in.optional();
  journal_.evaluations.resize(in.count(18));
  for (Evaluation& each : journal_.evaluations) {
    each.loss = in.optional();
    each.accuracy = in.optional();
  }
  saved->arrays.resize(in.count(16));
  for (Saved::Array& array : saved->arrays) {
    array.ordinal = in.number<std::uint64_t>();
    array.bytes.resize(in.count(1));
    in.bytes(array.bytes.data(), array.bytes.size());
  }
  if (!in.at_end()) in.spoilt();
  journal_.play();
  target_ = std::move(saved);
}

bool Checkpoints::arrive() {
  if (engine_.events() < target_->events) return false;
  if (engine_.fingerprint() != target_->fingerprint || !journal_.is_at_end())
    throw RunError(
        fmt::format("{}: this run is another one by event {}: the checkpoint's fingerprint is {:016x}, not "
                    "{:016x}",
                    path_, target_->events, target_->fingerprint, engine_.fingerprint()));
  fill();
  journal_.go_on();
  target_.reset();
  latest_ = std::chrono::steady_clock::now();
  return true;
}

// Every array of the checkpoint is alive here with its size, and every one here is in the checkpoint, unless unused.
void Checkpoints::fill() const {
  const std::vector<const void*> unused = pool_.unused();
  auto next = target_->arrays.begin();
  for (const Ledger::Array& array : ledger_.arrays()) {
    const bool saved =
        next != target_->arrays.end() && next->ordinal == array.ordinal && next->bytes.size() == array.bytes.size();
    if (saved) {
      std::memcpy(array.bytes.data(), next->bytes.data(), next->bytes.size());
      ++next;
    } else if (std::find(unused.begin(), unused.end(), array.bytes.data()) == unused.end()) {
      throw RunError(fmt::format("{}: has nothing for array {} of {} bytes: this strategy cannot be resumed", path_,
                                 array.ordinal, array.bytes.size()));
    }
  }
  if (next != target_->arrays.end())
    throw RunError(fmt::format("{}: array {} of {} bytes is not there: this strategy cannot be resumed", path_,
                               next->ordinal, next->bytes.size()));
}

}  // namespace paceline
