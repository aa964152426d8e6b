// Losses and accuracies of a run as TensorBoard reads them: an events file of scalars over the step, whose wall time is
// the simulated time, so that its axis "relative" is simulated time.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/record.hpp"

namespace paceline {

// CRC-32C (Castagnoli), as iSCSI has it (RFC 3720, appendix B.4).
std::uint32_t crc32c(std::string_view bytes);

// The file's bytes. Records: length (8 bytes, little endian), its masked CRC-32C (4), data, the data's masked CRC-32C
// (4); a mask is ((crc >> 15) | (crc << 17)) + 0xa282ead8. Data: messages of tensorflow/core/util/event.proto.
std::string tensorboard_events(const std::vector<CurvePoint>& curve);

// Into `folder`, under the name that TensorBoard looks for. Throws RunError.
void write_tensorboard(const std::vector<CurvePoint>& curve, const std::string& folder);

}  // namespace paceline
