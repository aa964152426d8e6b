// validate and draw on topologies, through the program itself.
#include <gtest/gtest.h>

#include <cctype>
#include <nlohmann/json.hpp>

#include "tests/support/process.hpp"
#include "tests/support/run.hpp"
#include "tests/support/shapes.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;

// What is not well-formed in a document without comments, CDATA and declarations, or "".
std::string fault(const std::string& xml) {
  std::vector<std::string> open;
  int roots = 0;
  for (std::size_t at = 0; at < xml.size();) {
    if (xml[at] == '&') {
      const std::string entity = xml.substr(at, xml.find(';', at) - at + 1);
      if (entity != "&lt;" && entity != "&gt;" && entity != "&amp;" && entity != "&quot;") return "entity " + entity;
    }
    if (xml[at] != '<') {
      if (open.empty() && !std::isspace(static_cast<unsigned char>(xml[at]))) return "text outside of the root";
      ++at;
      continue;
    }
    const auto end = xml.find('>', at);
    if (end == xml.npos) return "a tag that is not closed";
    const std::string tag = xml.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.find('<') != tag.npos || std::count(tag.begin(), tag.end(), '"') % 2) return "tag " + tag;
    const std::string name = tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return "end of " + tag;
      open.pop_back();
    } else if (tag.back() != '/') {
      if (open.empty() && ++roots > 1) return "two roots";
      open.push_back(name);
    }
  }
  return open.empty() && roots == 1 ? "" : "open elements";
}

std::string written(const std::string& folder, const std::string& topology) {
  write_text(folder + "/shape.json", topology);
  return folder + "/shape.json";
}

TEST(Draw, MakesAWellFormedPictureOfEveryTopology) {
  const std::string folder = scratch_folder();
  std::vector<std::string> files;
  for (const auto* texts : {&shapes(), &hosted_shapes()})
    for (const auto& [kind, own] : *texts) {
      const Finished finished = paceline({"draw", written(folder, own[0])});
      EXPECT_EQ(finished.code, 0) << own[0] << finished.err;
      EXPECT_EQ(fault(finished.out), "") << own[0];
      EXPECT_NE(finished.out.find("<svg "), std::string::npos);
    }
  for (const std::string& file : cluster_files()) {
    const Finished finished = paceline({"draw", path_of(file), "-o", folder + "/out.svg"});
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_EQ(fault(read_text(folder + "/out.svg")), "") << file;
  }
}

TEST(Draw, NamesWhatItShowsAndSumsUpWhatIsLarge) {
  const Finished small = paceline({"draw", path_of("topologies/dgx-a100.json"), "--nodes", "8"});
  for (const char* word : {"dgx-a100: 8 nodes in 1 hosts", ">nvswitch<", ">gpu7<", ">nic0<", "300.0 GB/s", "1.700 us"})
    EXPECT_NE(small.out.find(word), std::string::npos) << word;
  const Finished large = paceline({"draw", path_of("topologies/fat-tree-1024.json")});
  for (const char* word : {">gpu × 1024<", ">core × 64<", ">edge × 128<", ">nvswitch × 128<"})
    EXPECT_NE(large.out.find(word), std::string::npos) << word;
  EXPECT_LT(large.out.size(), 10'000u);
}

TEST(Draw, EscapesNames) {
  const Finished finished =
      paceline({"draw", written(scratch_folder(), R"({"kind": "graph", "nodes": ["a<b", "\"c&d\""],
      "links": [{"from": "a<b", "to": "\"c&d\"", "bandwidth": "1Gbps", "latency": "1us"}]})")});
  EXPECT_EQ(fault(finished.out), "");
  EXPECT_NE(finished.out.find("a&lt;b"), std::string::npos);
}

TEST(Draw, OfWhatIsNoTopologyEndsWithThree) {
  EXPECT_EQ(paceline({"draw", "none.json"}).err, "paceline: none.json: no such file\n");
  const Finished finished = paceline({"draw", path_of("tests/data/wrong/scenario.json")});
  EXPECT_EQ(finished.code, 3);
  EXPECT_NE(finished.err.find("missing key \"kind\""), std::string::npos) << finished.err;
}

TEST(Validate, TellsWhatATopologyAmountsTo) {
  const Finished finished = paceline({"validate", path_of("topologies/dgx-h100.json"), "--nodes", "20"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(finished.out,
            path_of("topologies/dgx-h100.json") +
                ": valid\n"
                "  nodes             24 in 3 hosts; it grows with the cluster, --nodes shows another size\n"
                "  switches          1, and 27 network cards and switches inside hosts\n"
                "  links             96, each direction counted\n"
                "  bisection         400.0 GB/s, one direction\n"
                "  oversubscription  1\n"
                "  diameter          2 links, 14.00 us\n");
}

TEST(Validate, TellsItAsJsonToo) {
  const Finished finished = paceline({"validate", path_of("topologies/fat-tree-1024.json"), "--json"});
  EXPECT_EQ(Json::parse(finished.out)[0]["topology"], (Json{{"grows", false},
                                                            {"nodes", 1024},
                                                            {"hosts", 128},
                                                            {"switches", 320},
                                                            {"inside_hosts", 128 * 9},
                                                            {"links", 8192},
                                                            {"bisection_bytes_per_s", 512 * 50e9},
                                                            {"oversubscription", 1.0},
                                                            {"diameter_links", 6},
                                                            {"diameter_latency_s", 6 * 2.333e-6}}));
}

TEST(Validate, RejectsWrongTopologiesAtTheirPlace) {
  const std::string folder = scratch_folder();
  write_text(folder + "/a.json", R"({"kind": "tours", "dimensions": [4]})");
  write_text(folder + "/b.json", R"({"kind": "torus", "dimension": [4], "bandwidth": "1Gbps", "latency": "1us"})");
  write_text(folder + "/c.json", R"({"kind": "graph", "nodes": ["a", "b"]})");
  const Finished finished = paceline({"validate", "a.json", "b.json", "c.json"}, {.folder = folder});
  EXPECT_EQ(finished.code, 3);
  EXPECT_EQ(finished.out, "");
  EXPECT_TRUE(
      finished.err.starts_with("paceline: a.json:1:10: /kind: unknown topology \"tours\"; did you mean \"torus\"?"))
      << finished.err;
  EXPECT_NE(
      finished.err.find("paceline: b.json:1:19: /dimension: unknown key \"dimension\"; did you mean \"dimensions\"?"),
      std::string::npos)
      << finished.err;
  EXPECT_NE(finished.err.find("paceline: c.json:1:1: there is no path from a to b"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace paceline::test
