#include "sim/experiment/tensorboard.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "sim/core/errors.hpp"
#include "sim/experiment/csv.hpp"
#include "sim/experiment/protobuf.hpp"

namespace paceline {
namespace {

// Numbers of fields, from event.proto and summary.proto.
enum Field : unsigned {
  event_wall_time = 1,
  event_step = 2,
  event_file_version = 3,
  event_summary = 5,
  summary_value = 1,
  value_tag = 1,
  value_simple = 2,
};

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}();

template <class Value>
void append(std::string& out, Value value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out.push_back(char(value >> (8 * i)));
}

std::uint32_t masked(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

void append_record(std::string& out, const std::string& data) {
  std::string length;
  append(length, std::uint64_t(data.size()));
  out += length;
  append(out, masked(length));
  out += data;
  append(out, masked(data));
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char byte : bytes) crc = (crc >> 8) ^ crc_table[(crc ^ std::uint8_t(byte)) & 0xff];
  return ~crc;
}

std::string tensorboard_events(const std::vector<CurvePoint>& curve) {
  std::string out;
  ProtobufMessage version;
  version.real(event_wall_time, 0);
  version.text(event_file_version, "brain.Event:2");
  append_record(out, version.bytes());
  for (const CurvePoint& point : curve) {
    ProtobufMessage summary, event;
    const auto scalar = [&](const char* tag, std::optional<double> value) {
      if (!value) return;
      ProtobufMessage one;
      one.text(value_tag, tag);
      one.real32(value_simple, float(*value));
      summary.message(summary_value, one);
    };
    scalar("loss/training", point.train_loss);
    scalar("loss/test", point.test_loss);
    scalar("accuracy/test", point.test_accuracy);
    scalar("progress/epoch", point.epoch);
    scalar("progress/simulated_time_s", to_seconds(point.time));
    scalar("progress/bytes_on_wire", point.bytes_on_wire);
    event.real(event_wall_time, to_seconds(point.time));
    event.number(event_step, std::uint64_t(point.step));
    event.message(event_summary, summary);
    append_record(out, event.bytes());
  }
  return out;
}

void write_tensorboard(const std::vector<CurvePoint>& curve, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw RunError(fmt::format("{}: cannot be made: {}", folder, error.message()));
  write_file(folder + "/events.out.tfevents.0000000000.paceline", tensorboard_events(curve));
}

}  // namespace paceline
