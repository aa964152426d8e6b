// Dimensioned values: every unit with every prefix, to the last bit, and what is no such value.
#include "sim/core/units.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace paceline {
namespace {

using enum Dimension;

const std::vector<std::pair<std::string, double>> prefixes{
    {"", 1},     {"k", 1e3},     {"K", 1e3},     {"M", 1e6},     {"G", 1e9},     {"T", 1e12},
    {"P", 1e15}, {"Ki", 0x1p10}, {"Mi", 0x1p20}, {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}};

void expect_every_prefix(Dimension dimension, const std::string& unit, double of_one) {
  for (const auto& [prefix, scale] : prefixes)
    for (double number : {1.0, 3.0, 0.5, 12.5, 400.0}) {
      const std::string text = fmt::format("{}{}{}", number, prefix, unit);
      const auto value = parse_quantity(text, dimension);
      ASSERT_TRUE(value) << text;
      EXPECT_EQ(*value, number * scale * of_one) << text;  // all of these are exact
    }
}

TEST(Units, BandwidthsComeInBitsAndBytesWithEveryPrefix) {
  for (const char* bits : {"bps", "b/s", "bit/s", "Bit/s"}) expect_every_prefix(bandwidth, bits, 0.125);
  for (const char* unit : {"Bps", "B/s"}) expect_every_prefix(bandwidth, unit, 1);
}

TEST(Units, SizesComeInBytesWithEveryPrefix) { expect_every_prefix(bytes, "B", 1); }

TEST(Units, ComputeSpeedsComeInFlopsWithEveryPrefix) {
  for (const char* unit : {"FLOPS", "FLOP/s", "FLOPs"}) expect_every_prefix(compute, unit, 1);
}

TEST(Units, DurationsAreTheDoubleNearestToTheirValue) {
  const std::vector<std::tuple<std::string, double, double>> scales{
      // value = number / divisor * factor
      {"ps", 1e12, 1}, {"ns", 1e9, 1}, {"us", 1e6, 1}, {"µs", 1e6, 1},  {"ms", 1e3, 1},
      {"s", 1, 1},     {"min", 1, 60}, {"h", 1, 3600}, {"d", 1, 86400}, {"days", 1, 86400}};
  for (const auto& [unit, divisor, factor] : scales)
    for (double number : {1.0, 3.0, 7.0, 0.1, 1234.5}) {
      const auto value = parse_quantity(fmt::format("{}{}", number, unit), duration);
      ASSERT_TRUE(value) << number << unit;
      EXPECT_EQ(*value, number / divisor * factor) << number << unit;
    }
  EXPECT_EQ(parse_quantity("3ms", duration), 0.003);
  EXPECT_EQ(parse_quantity("7us", duration), 7e-6);
  EXPECT_EQ(parse_quantity("0.3ms", duration), 0.0003);
}

TEST(Units, ANumberMayHaveAnExponentAFractionASignAndASpaceBehindIt) {
  EXPECT_EQ(parse_quantity("1e-3s", duration), 1e-3);
  EXPECT_EQ(parse_quantity("1.5E+2ms", duration), 0.15);
  EXPECT_EQ(parse_quantity("-2s", duration), -2.0);
  EXPECT_EQ(parse_quantity(".5s", duration), 0.5);
  EXPECT_EQ(parse_quantity("100 Gbps", bandwidth), 12.5e9);
  EXPECT_EQ(parse_quantity("0B", bytes), 0.0);
}

TEST(Units, WhatIsNoSuchValueIsRefused) {
  for (const char* text :
       {"",     " ",     "s",      "10",   "10x", "ten s", "10 s ", " 10s", "10 ms s", "1,5s", "0x10s", "infs",
        "nans", "inf s", "1e999s", "--1s", "+1s", "10Ms",  "10kms", "10S",  "10MS",    "10H",  "10sec"})
    EXPECT_FALSE(parse_quantity(text, duration)) << text;
  for (const char* text : {"10Gb", "10GB", "10G", "10gbps", "10GiBs", "10mbps", "10Gbps/s", "10us"})
    EXPECT_FALSE(parse_quantity(text, bandwidth)) << text;
  for (const char* text : {"10Mb", "10b", "10mB", "10bytes", "10MBps", "10Mi"})
    EXPECT_FALSE(parse_quantity(text, bytes)) << text;
  for (const char* text : {"10TFLOP", "10flops", "10Tflops", "10T", "10GHz"})
    EXPECT_FALSE(parse_quantity(text, compute)) << text;
}

TEST(Units, EveryUnitThatAnErrorNamesIsAccepted) {
  for (Dimension dimension : {duration, bandwidth, bytes, compute}) {
    std::string text(accepted_units(dimension)), word;
    int units = 0;
    for (char letter : text + " ") {
      if (std::isalpha(static_cast<unsigned char>(letter)) || letter == '/') {
        word += letter;
      } else if (letter == '(' || letter == ')' || letter == ',' || letter == ' ') {
        if (!word.empty() && word != "bits" && word != "bytes") {
          EXPECT_TRUE(parse_quantity("1" + word, dimension)) << word;
          ++units;
        }
        word.clear();
      }
    }
    EXPECT_GE(units, 4) << text;
    EXPECT_TRUE(parse_quantity(example_of(dimension), dimension)) << example_of(dimension);
    EXPECT_FALSE(name_of(dimension).empty());
  }
}

TEST(Units, AreShownInTheOneThatFits) {
  EXPECT_EQ(show_duration(0), "0 s");
  EXPECT_EQ(show_duration(5e-12), "5.000 ps");
  EXPECT_EQ(show_duration(2.5e-9), "2.500 ns");
  EXPECT_EQ(show_duration(1.234e-3), "1.234 ms");
  EXPECT_EQ(show_duration(59.9), "59.90 s");
  EXPECT_EQ(show_duration(601), "10.02 min");
  EXPECT_EQ(show_duration(7200), "2.000 h");
  EXPECT_EQ(show_duration(864000), "10.00 d");
  EXPECT_EQ(show_duration(1e300), "1.157e+295 d");
  EXPECT_EQ(show_bytes(12), "12 B");
  EXPECT_EQ(show_bytes(25e6), "25.00 MB");
  EXPECT_EQ(show_bytes(1e13), "10.00 TB");
  EXPECT_EQ(show_bandwidth(12.5e9), "12.50 GB/s");
  EXPECT_EQ(show_count(999), "999");
  EXPECT_EQ(show_count(12'345), "12.35 k");
  EXPECT_EQ(show_count(5e9), "5.000 G");
}

}  // namespace
}  // namespace paceline
