#include "sim/experiment/trace/growing_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "sim/core/errors.hpp"

namespace paceline {
namespace {

constexpr int fastest = 1, gzip = 16;

[[noreturn]] void fail(const std::string& path) {
  throw RunError(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
}

// It is open while it is written only: there may be more of them than a process may hold open.
class Opened {
 public:
  Opened(const std::string& path, int flags) : file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666)) {
    if (file < 0) fail(path);
  }
  ~Opened() { ::close(file); }
  Opened(const Opened&) = delete;
  const int file;
};

}  // namespace

GrowingFile::GrowingFile(std::string path, std::string end, Size size)
    : path_(std::move(path)),
      end_(std::move(end)),
      block_(size == Size::small ? 1 << 13 : 1 << 18),
      is_gzip_(path_.ends_with(".gz")) {
  const Opened made(path_, O_CREAT | O_TRUNC);
  const int window = size == Size::small ? 11 : 15, memory = size == Size::small ? 4 : 8;
  if (deflateInit2(&stream_, fastest, Z_DEFLATED, window + gzip, memory, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
}

GrowingFile::~GrowingFile() { deflateEnd(&stream_); }

void GrowingFile::deflate_into(z_stream& stream, std::string_view text, int flush) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = uInt(text.size());
  do {
    const std::size_t before = written_.size();
    written_.resize(before + text.size() / 2 + 1024);
    stream.next_out = reinterpret_cast<Bytef*>(written_.data() + before);
    stream.avail_out = uInt(written_.size() - before);
    deflate(&stream, flush);
    written_.resize(written_.size() - stream.avail_out);
  } while (stream.avail_out == 0);
}

// The block and the end after it; returns how long the block is.
std::size_t GrowingFile::compress_block() {
  deflate_into(stream_, text_, Z_SYNC_FLUSH);
  const std::size_t body = written_.size();
  z_stream last{};
  if (deflateCopy(&last, &stream_) != Z_OK) throw std::bad_alloc();
  deflate_into(last, end_, Z_FINISH);
  deflateEnd(&last);
  return body;
}

void GrowingFile::write_block() {
  written_.clear();
  std::size_t body = text_.size();
  if (is_gzip_) body = compress_block();
  else written_ = text_ + end_;
  text_.clear();
  const Opened opened(path_, 0);
  for (std::size_t done = 0; done < written_.size();) {
    const ssize_t n = ::pwrite(opened.file, written_.data() + done, written_.size() - done, off_t(offset_ + done));
    if (n < 0 && errno != EINTR) fail(path_);
    if (n > 0) done += std::size_t(n);
  }
  offset_ += body;
}

void GrowingFile::close() {
  if (std::exchange(is_open_, false)) write_block();
}

}  // namespace paceline
