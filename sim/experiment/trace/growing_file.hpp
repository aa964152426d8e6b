// GrowingFile: a file that can be read at any time: after every block it ends with a given text, which the next block
// overwrites. Who is killed leaves the last state. It is compressed (gzip) where its name ends in .gz.
//
// The end is written by a copy of the compressor, so that the file stays one gzip member, which every reader takes.
#pragma once
#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace paceline {

class GrowingFile {
 public:
  // Small: where there are many at once, 30 KB each for the compressor instead of 300.
  enum class Size { usual, small };
  // `end`: what completes the text so far. Throws RunError when the file cannot be written, as all here do.
  GrowingFile(std::string path, std::string end, Size size = Size::usual);
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;

  // Whole items only: the file may end after any of these.
  void append(std::string_view text) {
    text_ += text;
    if (text_.size() >= block_ || offset_ == 0) write_block();  // the first at once: there is a file from then on
  }
  void close();

 private:
  void write_block();
  std::size_t compress_block();
  void deflate_into(z_stream& stream, std::string_view text, int flush);

  std::string path_, end_, text_, written_;
  std::size_t block_;  // bytes of text that are written at a time
  bool is_gzip_, is_open_ = true;
  z_stream stream_{};
  std::uint64_t offset_ = 0;  // where the end begins
};

}  // namespace paceline
