// The keys of the kinds of this floor, and the memory they compute in.
#include <gtest/gtest.h>

#include "models/layers/lanes/layer.hpp"
#include "sim/core/errors.hpp"
#include "tests/models/support.hpp"

namespace paceline::testing {
namespace {

std::string error_of(const auto& registry, std::string_view object) {
  try {
    read_kind(registry, object);
  } catch (const ConfigError& error) { return error.what(); }
  return "no error";
}

TEST(NumericsRegistries, DescribeEveryKindAndEveryKeyOfTheirs) {
  const auto check = [](const Kinds& registry) {
    for (std::size_t kind = 0; kind < registry.kinds().size(); ++kind) {
      const Description description = registry.describe(kind);
      EXPECT_FALSE(description.about.empty()) << registry.kinds()[kind];
      for (const KeyDescription& key : description.keys)
        EXPECT_FALSE(key.help.empty()) << registry.kinds()[kind] << "." << key.name;
    }
  };
  check(models::all());
  check(layers::all());
  check(datasets::all());
  check(optimizers::all());
}

TEST(ModelKeys, MlpNeedsHiddenLayersOfAtLeastOne) {
  EXPECT_NE(error_of(models::all(), R"({"kind": "mlp"})").find("\"hidden\" must list"), std::string::npos);
  EXPECT_NE(error_of(models::all(), R"({"kind": "mlp", "hidden": []})").find("/it/hidden: \"hidden\" must list"),
            std::string::npos);
  EXPECT_NE(error_of(models::all(), R"({"kind": "mlp", "hidden": [4, 0]})").find("/it/hidden/1: must be at least 1"),
            std::string::npos);
  EXPECT_NE(error_of(models::all(), R"({"kind": "mlp", "hiden": [4]})").find("did you mean \"hidden\"?"),
            std::string::npos);
}

TEST(ModelKeys, SeedIsTheModelsOwnIfGiven) {
  EXPECT_FALSE(read_kind(models::all(), R"({"kind": "softmax_regression"})", 5).seed.has_value());
  EXPECT_EQ(read_kind(models::all(), R"({"kind": "softmax_regression", "seed": 7})").seed, 7u);
  EXPECT_EQ(read_kind(models::all(), R"({"kind": "mlp", "hidden": [2], "seed": 7})").seed, 7u);
}

TEST(WorkspaceTest, GivesSeparateAlignedMemoryThatStaysUntilCleared) {
  Workspace workspace;
  for (int round = 0; round < 3; ++round) {
    workspace.clear();
    std::vector<std::span<double>> taken;
    for (std::size_t i = 0; i < 40; ++i) {
      const std::size_t count = (i * 977) % 5'000;
      taken.emplace_back(workspace.take<double>(count), count);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(taken.back().data()) % 64, 0u);
      for (double& value : taken.back()) value = double(i);
    }
    for (std::size_t i = 0; i < taken.size(); ++i)
      for (double value : taken[i]) ASSERT_EQ(value, double(i));
  }
}

}  // namespace
}  // namespace paceline::testing
