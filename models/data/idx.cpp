#include "models/data/idx.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "sim/core/errors.hpp"

namespace paceline {

void reject_idx(const std::string& path, std::string_view rule) {
  throw ConfigError(Place{std::make_shared<const std::string>(path)}, "", rule);
}

namespace {

constexpr std::size_t largest = std::size_t{16} << 30;  // bytes, unpacked

class File {
 public:
  explicit File(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (!file_) reject_idx(path, "cannot be opened");
    gzbuffer(file_.get(), 1 << 17);
  }

  // Fewer than asked for: the file ended.
  std::size_t read(std::uint8_t* to, std::size_t count) {
    const int got = gzread(file_.get(), to, unsigned(count));
    int error = Z_OK;
    const char* text = gzerror(file_.get(), &error);
    if (got < 0 || error == Z_BUF_ERROR) reject_idx(path_, fmt::format("is damaged or cut off: {}", text));
    return std::size_t(got);
  }

  std::vector<std::size_t> header(int rank) {
    std::array<std::uint8_t, 4> word{};
    const auto next = [&] {
      if (read(word.data(), 4) < 4) reject_idx(path_, "ends within its header");
      return std::size_t{word[0]} << 24 | std::size_t{word[1]} << 16 | std::size_t{word[2]} << 8 | word[3];
    };
    const std::size_t wanted = 0x0800 | std::size_t(rank), magic = next();
    if (magic != wanted)
      reject_idx(path_,
                 fmt::format("is not an IDX file of {} dimension{} of bytes: it starts with 0x{:08x}, not 0x{:08x}",
                             rank, rank == 1 ? "" : "s", magic, wanted));
    std::vector<std::size_t> sizes;
    std::size_t total = 1;
    for (int i = 0; i < rank; ++i) {
      sizes.push_back(next());
      if (sizes.back() == 0) reject_idx(path_, "says in its header that it is empty");
      if (sizes.back() > largest / total) reject_idx(path_, "says in its header that it is larger than 16 GiB");
      total *= sizes.back();
    }
    return sizes;
  }

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  const std::string& path_;
  std::unique_ptr<gzFile_s, Close> file_;
};

}  // namespace

std::vector<std::size_t> read_idx_sizes(const std::string& path, int rank) { return File(path).header(rank); }

Idx read_idx(const std::string& path, int rank) {
  File file(path);
  Idx idx;
  idx.sizes = file.header(rank);
  std::size_t total = 1;
  for (std::size_t size : idx.sizes) total *= size;
  // Piece by piece, and no more room than such a file can unpack to: a header that promises too much does not take the
  // memory.
  constexpr std::size_t piece = std::size_t{8} << 20, most_unpacked = 1032;  // of a byte, by deflate
  idx.bytes.reserve(std::min(total, most_unpacked * std::size_t(std::filesystem::file_size(path))));
  while (idx.bytes.size() < total) {
    const std::size_t at = idx.bytes.size(), wanted = std::min(piece, total - at);
    idx.bytes.resize(at + wanted);
    const std::size_t got = file.read(idx.bytes.data() + at, wanted);
    if (got < wanted) reject_idx(path, fmt::format("is cut off: {} bytes of {}", at + got, total));
  }
  std::uint8_t more = 0;
  if (file.read(&more, 1) == 1) reject_idx(path, fmt::format("goes on after its {} bytes", total));
  return idx;
}

}  // namespace paceline
