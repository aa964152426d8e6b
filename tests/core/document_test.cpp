// Documents: JSON with comments, each value with its place; files that extend others; dotted paths.
#include "sim/core/document.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline {
namespace {

using Kind = Node::Kind;

Node parsed(const std::string& text) { return parse_document(text, "d.json"); }
std::string place_of(const Node& node) { return node.place.text(); }
std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const ConfigError& error) { return error.what(); }
  return "no error";
}

TEST(Document, CommentsOfBothKindsMayStandAnywhere) {
  const Node node = parsed(
      "// first\n{ /* a \" quote */ \"a\": // after\n [1, /* two\n lines */ 2], \"b\": \"// no comment\" }\n// last");
  EXPECT_EQ(node.dump(), R"({"a":[1,2],"b":"// no comment"})");
}

TEST(Document, ANumberWithNoFractionIsAnInteger) {
  for (const char* text : {"304", "304.0", "3.04e2", "30400e-2", "304.000"}) {
    const Node node = parsed(text);
    EXPECT_EQ(node.kind, Kind::integer) << text;
    EXPECT_EQ(node.integer, 304) << text;
    EXPECT_EQ(node.number, 304.0) << text;
    EXPECT_EQ(node.dump(), "304") << text;
  }
  EXPECT_EQ(parsed("-0").integer, 0);
  EXPECT_EQ(parsed("9223372036854775807").integer, INT64_MAX);
  EXPECT_EQ(parsed("-9223372036854775808").integer, INT64_MIN);
}

TEST(Document, OtherNumbersAreTheNearestDouble) {
  for (const auto& [text, value] :
       std::vector<std::pair<std::string, double>>{{"0.1", 0.1},
                                                   {"1e-320", 1e-320},
                                                   {"1.7976931348623157e308", 1.7976931348623157e308},
                                                   {"9223372036854775808", 0x1p63},
                                                   {"1e300", 1e300}}) {
    const Node node = parsed(text);
    EXPECT_EQ(node.kind, Kind::number) << text;
    EXPECT_EQ(node.number, value) << text;
    EXPECT_EQ(parsed(node.dump()).number, value) << text;
  }
}

TEST(Document, AByteOrderMarkIsSkipped) { EXPECT_EQ(parsed("\xEF\xBB\xBF{}").kind, Kind::object); }

TEST(Document, EveryValueAndKeyKnowsItsLineAndColumn) {
  const Node node =
      parsed("{\n  \"a\": [1,\n\t-2.5 , true],\n  \"b\\\"\": \"te\\\\xt\\\"\", /* c */ \"o\":{\"n\" : null\n}\n}");
  EXPECT_EQ(place_of(node), "d.json:1:1");
  EXPECT_EQ(node.members[0].place.text(), "d.json:2:3");
  EXPECT_EQ(place_of(node.members[0].value), "d.json:2:8");
  EXPECT_EQ(place_of(node.members[0].value.items[0]), "d.json:2:9");
  EXPECT_EQ(place_of(node.members[0].value.items[1]), "d.json:3:2");
  EXPECT_EQ(place_of(node.members[0].value.items[2]), "d.json:3:9");
  EXPECT_EQ(node.members[1].place.text(), "d.json:4:3");
  EXPECT_EQ(place_of(node.members[1].value), "d.json:4:10");
  EXPECT_EQ(node.members[2].place.text(), "d.json:4:30");
  EXPECT_EQ(place_of(node.members[2].value), "d.json:4:34");
  EXPECT_EQ(place_of(*node.members[2].value.find("n")), "d.json:4:41");
}

TEST(Document, NumbersAtTheEndOfALineAreOnThatLine) {
  const Node node = parsed("[\n1\n,\n22\n\n]");
  EXPECT_EQ(place_of(node.items[0]), "d.json:2:1");
  EXPECT_EQ(place_of(node.items[1]), "d.json:4:1");
  EXPECT_EQ(place_of(parsed("7")), "d.json:1:1");
  EXPECT_EQ(place_of(parsed("\n\n7\n\n")), "d.json:3:1");
}

TEST(Document, SixtyFourLevelsAreAllowedAndNoMore) {
  EXPECT_NO_THROW(parsed(std::string(64, '[') + std::string(64, ']')));
  EXPECT_EQ(error_of([] { parsed(std::string(65, '[') + std::string(65, ']')); }),
            "d.json:1:65: nested deeper than 64");
}

TEST(Document, AFlatDocumentOfManyKeysIsReadInNoTime) {
  const std::string folder = test::scratch_folder();
  std::string text = "{\"k\":0";
  for (int i = 0; i < 200'000; ++i) text += fmt::format(",\"k{}\":{}", i, i);
  test::write_text(folder + "/flat.json", text + "}");
  EXPECT_EQ(read_extended(folder + "/flat.json").members.size(), 200'001u);  // quadratic work would take minutes
}

TEST(Merge, IsDeepForObjectsAndReplacesAllElse) {
  Node base = parsed(R"({"a": {"x": 1, "y": {"p": 1}}, "list": [1, 2, 3], "t": "old", "n": {"k": 1}})");
  merge(base, parsed(R"({"a": {"y": {"q": 2}, "z": 3}, "list": [9], "t": {"now": "an object"}, "n": null, "new": 1})"));
  EXPECT_EQ(base.dump(),
            R"({"a":{"x":1,"y":{"p":1,"q":2},"z":3},"list":[9],"t":{"now":"an object"},"n":null,"new":1})");
}

TEST(Extends, LaterFilesWinAndTheFileItselfWinsOverAll) {
  const std::string folder = test::scratch_folder();
  test::write_text(folder + "/first.json", R"({"a": 1, "b": 1, "c": 1, "o": {"first": 1, "list": [1, 2]}})");
  test::write_text(folder + "/second.json", R"({"b": 2, "c": 2, "o": {"second": 2, "list": [3]}})");
  test::write_text(folder + "/own.json", R"({"extends": ["first.json", "second.json"], "c": 3, "o": {"own": 3}})");
  EXPECT_EQ(read_extended(folder + "/own.json").dump(),
            R"({"a":1,"b":2,"c":3,"o":{"first":1,"list":[3],"second":2,"own":3}})");
}

TEST(Extends, PathsAreRelativeToTheFileThatNamesThem) {
  const std::string folder = test::scratch_folder();
  test::write_text(folder + "/common/deep/base.json", R"({"base": 1})");
  test::write_text(folder + "/common/middle.json", R"({"extends": "deep/base.json", "middle": 1})");
  test::write_text(folder + "/scenarios/own.json", R"({"extends": "../common/middle.json", "own": 1})");
  const Node node = read_extended(folder + "/scenarios/own.json");
  EXPECT_EQ(node.dump(), R"({"base":1,"middle":1,"own":1})");
  EXPECT_TRUE(place_of(*node.find("base")).ends_with("/common/deep/base.json:1:10")) << place_of(*node.find("base"));
}

TEST(Extends, TheSameFileTwiceIsNoCycle) {
  const std::string folder = test::scratch_folder();
  test::write_text(folder + "/base.json", R"({"a": 1})");
  test::write_text(folder + "/left.json", R"({"extends": "base.json", "left": 1})");
  test::write_text(folder + "/right.json", R"({"extends": "base.json", "right": 1})");
  test::write_text(folder + "/own.json", R"({"extends": ["left.json", "right.json", "left.json"]})");
  EXPECT_EQ(read_extended(folder + "/own.json").dump(), R"({"a":1,"left":1,"right":1})");
}

TEST(Extends, ACycleIsFoundThroughALinkToo) {
  const std::string folder = test::scratch_folder();
  test::write_text(folder + "/a.json", R"({"extends": "link.json"})");
  std::filesystem::create_symlink("a.json", folder + "/link.json");
  EXPECT_NE(error_of([&] { read_extended(folder + "/a.json"); }).find("extends itself in a cycle"), std::string::npos);
}

std::string after(const std::string& text, const std::string& assignment) {
  Node root = parsed(text);
  set_path(root, assignment);
  return root.dump();
}

TEST(SetPath, TakesJsonAndTakesBareWordsAsTexts) {
  EXPECT_EQ(after("{}", "a=3"), R"({"a":3})");
  EXPECT_EQ(after("{}", "a=304.0"), R"({"a":304})");
  EXPECT_EQ(after("{}", "a=-2.5"), R"({"a":-2.5})");
  EXPECT_EQ(after("{}", "a=true"), R"({"a":true})");
  EXPECT_EQ(after("{}", "a=null"), R"({"a":null})");
  EXPECT_EQ(after("{}", "a=ssp"), R"({"a":"ssp"})");
  EXPECT_EQ(after("{}", "a=100Gbps"), R"({"a":"100Gbps"})");
  EXPECT_EQ(after("{}", "a=0-3,7"), R"({"a":"0-3,7"})");
  EXPECT_EQ(after("{}", "a=\"3\""), R"({"a":"3"})");
  EXPECT_EQ(after("{}", "a=../x.json"), R"({"a":"../x.json"})");
  EXPECT_EQ(after("{}", "a="), R"({"a":""})");
  EXPECT_EQ(after("{}", "a=b=c"), R"({"a":"b=c"})");
  EXPECT_EQ(after("{}", "a={\"kind\": \"bsp\"}"), R"({"a":{"kind":"bsp"}})");
  EXPECT_EQ(after("{}", "a=[1, 2]"), R"({"a":[1,2]})");
}

TEST(SetPath, FollowsDotsAndIndicesAndMakesWhatIsNotThere) {
  const std::string text = R"({"a": {"b": [{"c": 1}, {"c": 2}]}})";
  EXPECT_EQ(after(text, "a.b.1.c=3"), R"({"a":{"b":[{"c":1},{"c":3}]}})");
  EXPECT_EQ(after(text, "a.b.0=7"), R"({"a":{"b":[7,{"c":2}]}})");
  EXPECT_EQ(after(text, "a.b.0.d.e=5"), R"({"a":{"b":[{"c":1,"d":{"e":5}},{"c":2}]}})");
  EXPECT_EQ(after(text, "a=1"), R"({"a":1})");
  EXPECT_EQ(after(R"({"a": null})", "a.b=1"), R"({"a":{"b":1}})");
  EXPECT_EQ(after("{}", "x.0=1"), R"({"x":{"0":1}})");
}

TEST(SetPath, IsThePlaceOfWhatItSets) {
  Node root = parsed("{}");
  set_path(root, "a=[{\"b\": 1}]");
  EXPECT_EQ(place_of(*root.find("a")->items[0].find("b")), "--set a=[{\"b\": 1}]");
  EXPECT_EQ(root.find("a")->items[0].members[0].place.text(), "--set a=[{\"b\": 1}]");
}

TEST(Canonical, DoesNotDependOnTheOrderOfKeysNorOnHowNumbersAreWritten) {
  EXPECT_EQ(parsed(R"({"b": {"y": 1.0, "x": 1e-1}, "a": [2, 1]})").canonical(),
            parsed(R"({"a":[2,1],"b":{"x":0.1,"y":1}})").canonical());
  EXPECT_NE(parsed("[1, 2]").canonical(), parsed("[2, 1]").canonical());
  EXPECT_NE(parsed("\"1\"").canonical(), parsed("1").canonical());
}

TEST(ResolvedPaths, AreSeenFromTheFileThatNamesThemAndFromHereForASet) {
  const Place in_file{std::make_shared<std::string>("scenarios/a.json"), 3, 1},
      set{std::make_shared<std::string>("--set a=b")};
  EXPECT_EQ(resolve_path(in_file, "../topologies/t.json"), "topologies/t.json");
  EXPECT_EQ(resolve_path(in_file, "/t.json"), "/t.json");
  EXPECT_EQ(resolve_path(set, "t.json"), "t.json");
}

TEST(DidYouMean, NamesTheNearestWithinAThirdOfItsLetters) {
  const std::vector<std::string> names{"workers", "topology", "seed", "ssp", "bsp"};
  EXPECT_EQ(did_you_mean("wrokers", names), "; did you mean \"workers\"?");
  EXPECT_EQ(did_you_mean("topolgy", names), "; did you mean \"topology\"?");
  EXPECT_EQ(did_you_mean("Seed", names), "; did you mean \"seed\"?");
  EXPECT_EQ(did_you_mean("sps", names), "; did you mean \"ssp\"?");
  EXPECT_EQ(did_you_mean("gpus", names), "");
  EXPECT_EQ(did_you_mean("", names), "");
  EXPECT_EQ(did_you_mean(std::string(100'000, 'x'), names), "");
  EXPECT_EQ(did_you_mean_one_of("sps", names), "; did you mean \"ssp\"? There are: workers, topology, seed, ssp, bsp");
  EXPECT_EQ(did_you_mean_one_of("gpus", names), "; there are: workers, topology, seed, ssp, bsp");
}

}  // namespace
}  // namespace paceline
