// ProtobufMessage: a message of Google's protocol buffers under construction. Fields are a tag (number << 3 | wire
// type) and a value; varints are in groups of seven bits, the lowest first.
// https://protobuf.dev/programming-guides/encoding
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace paceline {

class ProtobufMessage {
 public:
  void number(unsigned field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
  }
  void real(unsigned field, double value) {
    varint(field << 3 | 1);
    fixed(value);
  }
  void real32(unsigned field, float value) {
    varint(field << 3 | 5);
    fixed(value);
  }
  void fixed64(unsigned field, std::uint64_t value) {
    varint(field << 3 | 1);
    fixed(value);
  }
  void text(unsigned field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    bytes_ += value;
  }
  void message(unsigned field, const ProtobufMessage& inner) { text(field, inner.bytes_); }
  const std::string& bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(char(value | 0x80));
    bytes_.push_back(char(value));
  }
  template <class Value>
  void fixed(Value value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes_.append(raw, sizeof value);
  }
  std::string bytes_;
};

}  // namespace paceline
