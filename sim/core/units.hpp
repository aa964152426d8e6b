// Dimensioned values as users write them: "100Gbps" (bits), "12.5GBps" (bytes), "5us", "25MiB", "14TFLOPS".
// A number, then a unit with a decimal (k M G T P) or binary (Ki Mi Gi Ti Pi) prefix.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace paceline {

enum class Dimension { duration, bandwidth, bytes, compute };

// In seconds, bytes per second, bytes, FLOP per second. Nothing when the text is not such a value.
std::optional<double> parse_quantity(std::string_view text, Dimension dimension);
// "ps ns us ms s min h d": what to name in an error.
std::string_view accepted_units(Dimension dimension);
std::string_view example_of(Dimension dimension);
std::string_view name_of(Dimension dimension);

// For people: three or four digits and the unit that fits: "1.234 ms", "25.0 MiB", "12.5 GB/s".
std::string show_duration(double seconds);
std::string show_bytes(double bytes);
std::string show_bandwidth(double bytes_per_second);
std::string show_count(double count);

}  // namespace paceline
