// The fields of a message of Google's protocol buffers, as they are on the wire: a tag (number << 3 | wire type), then
// a varint (0), 8 bytes (1), a length and so many bytes (2) or 4 bytes (5).
// https://protobuf.dev/programming-guides/encoding
#pragma once
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace paceline {

// The bytes are no such message.
struct ProtobufError : std::runtime_error {
  using runtime_error::runtime_error;
};

struct ProtobufField {
  enum class Wire : std::uint8_t { varint = 0, eight = 1, bytes = 2, four = 5 };
  std::uint64_t number = 0;
  Wire wire = Wire::varint;
  std::uint64_t value = 0;  // of all but bytes
  std::string_view text{};  // of bytes

  double real() const {
    return wire == Wire::four ? std::bit_cast<float>(std::uint32_t(value)) : std::bit_cast<double>(value);
  }
};

// Takes a varint, or so many bytes, off the front.
inline std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) throw ProtobufError("is cut off");
    const auto byte = std::uint8_t(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw ProtobufError("has a number of more than 64 bits");
}
inline std::string_view take_bytes(std::string_view& bytes, std::uint64_t size) {
  if (size > bytes.size()) throw ProtobufError("is cut off");
  const std::string_view taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return taken;
}

// Throws ProtobufError.
inline std::vector<ProtobufField> protobuf_fields(std::string_view message) {
  using Wire = ProtobufField::Wire;
  std::vector<ProtobufField> fields;
  while (!message.empty()) {
    const std::uint64_t tag = take_varint(message);
    ProtobufField& field = fields.emplace_back(ProtobufField{.number = tag >> 3, .wire = Wire(tag & 7)});
    if (field.number == 0) throw ProtobufError("has a field 0");
    if (field.wire == Wire::varint) {
      field.value = take_varint(message);
    } else if (field.wire == Wire::bytes) {
      field.text = take_bytes(message, take_varint(message));
    } else if (field.wire == Wire::eight || field.wire == Wire::four) {  // lowest byte first
      const std::string_view raw = take_bytes(message, field.wire == Wire::eight ? 8 : 4);
      for (std::size_t i = raw.size(); i-- > 0;) field.value = field.value << 8 | std::uint8_t(raw[i]);
    } else {
      throw ProtobufError("has a field of a wire type that is none");
    }
  }
  return fields;
}

}  // namespace paceline
