// IDX files of unsigned bytes, plain or gzip: two zero bytes, the type 0x08, the rank; `rank` sizes of 32 bits,
// big-endian; then the bytes, row-major. Source: yann.lecun.com/exdb/mnist, "the IDX file format".
// All that is wrong with one is a ConfigError that names the file.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paceline {

struct Idx {
  std::vector<std::size_t> sizes;
  std::vector<std::uint8_t> bytes;
};

std::vector<std::size_t> read_idx_sizes(const std::string& path, int rank);  // the header alone
Idx read_idx(const std::string& path, int rank);
[[noreturn]] void reject_idx(const std::string& path, std::string_view rule);

}  // namespace paceline
