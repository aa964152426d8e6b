// A reader of protobuf's wire format, as far as our files use it.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace paceline::test {

struct Field {
  unsigned number = 0;
  std::uint64_t value = 0;
  std::string_view text{};
};
inline std::vector<Field> fields_of(std::string_view bytes) {
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = std::uint8_t(bytes.at(0));
      bytes.remove_prefix(1);
      value |= std::uint64_t(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  std::vector<Field> fields;
  while (!bytes.empty()) {
    const std::uint64_t tag = varint();
    Field& field = fields.emplace_back(Field{.number = unsigned(tag >> 3)});
    if ((tag & 7) == 0) field.value = varint();
    const auto kind = unsigned(tag & 7);
    const std::size_t size = kind == 1 ? 8 : kind == 5 ? 4 : kind == 2 ? varint() : 0;
    if (kind == 1 || kind == 5) std::memcpy(&field.value, bytes.substr(0, size).data(), size);
    field.text = bytes.substr(0, size);
    bytes.remove_prefix(size);
  }
  return fields;
}

}  // namespace paceline::test
