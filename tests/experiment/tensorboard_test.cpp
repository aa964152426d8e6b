// The events file, read back as TensorBoard's own reader does: lengths and checksums first, then the messages.
#include "sim/experiment/tensorboard.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/process.hpp"
#include "tests/support/protobuf.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

// RFC 3720, B.4, and the usual check value.
TEST(Crc32c, AgreesWithPublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

struct Scalar {
  double wall_time;
  std::uint64_t step;
  float value;
};

template <class Value>
Value take(std::string_view& bytes) {
  Value value;
  std::memcpy(&value, bytes.substr(0, sizeof value).data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::uint32_t unmasked(std::uint32_t masked) {
  const std::uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

std::map<std::string, std::vector<Scalar>> scalars_of(std::string_view bytes) {
  std::map<std::string, std::vector<Scalar>> scalars;
  for (bool first = true; !bytes.empty(); first = false) {
    const std::string_view length_bytes = bytes.substr(0, 8);
    const auto length = take<std::uint64_t>(bytes);
    EXPECT_EQ(unmasked(take<std::uint32_t>(bytes)), crc32c(length_bytes));
    const std::string_view data = bytes.substr(0, length);
    bytes.remove_prefix(length);
    EXPECT_EQ(unmasked(take<std::uint32_t>(bytes)), crc32c(data));
    std::map<unsigned, Field> event;
    for (const Field& field : fields_of(data)) event[field.number] = field;
    EXPECT_EQ(event.contains(3) ? event[3].text : "", first ? "brain.Event:2" : "");
    for (const Field& value : event.contains(5) ? fields_of(event[5].text) : std::vector<Field>{}) {
      std::map<unsigned, Field> parts;
      for (const Field& field : fields_of(value.text)) parts[field.number] = field;
      Scalar scalar{0, event.at(2).value, 0};
      std::memcpy(&scalar.wall_time, &event.at(1).value, 8);
      std::memcpy(&scalar.value, &parts.at(2).value, 4);
      scalars[std::string(parts.at(1).text)].push_back(scalar);
    }
  }
  return scalars;
}

TEST(TensorBoard, HoldsTheCurve) {
  const std::string folder = scratch_folder() + "/run";
  ASSERT_EQ(paceline({"run", path_of("tests/data/scenarios/blobs.json"), "--tensorboard", "--out", folder}).code, 0);
  const auto scalars = scalars_of(read_text(folder + "/tensorboard/events.out.tfevents.0000000000.paceline"));
  const auto results = nlohmann::json::parse(read_text(folder + "/results.json"));
  const auto& curve = results.at("curve");
  ASSERT_EQ(scalars.at("loss/test").size(), curve.size());
  for (std::size_t i = 0; i < curve.size(); ++i) {
    EXPECT_EQ(scalars.at("loss/test")[i].value, float(curve[i].at("test_loss").get<double>()));
    EXPECT_EQ(scalars.at("accuracy/test")[i].value, float(curve[i].at("test_accuracy").get<double>()));
    EXPECT_EQ(scalars.at("accuracy/test")[i].wall_time, curve[i].at("time_s").get<double>());
    EXPECT_EQ(double(scalars.at("accuracy/test")[i].step), std::floor(curve[i].at("step").get<double>()));
  }
}

}  // namespace
}  // namespace paceline::test
