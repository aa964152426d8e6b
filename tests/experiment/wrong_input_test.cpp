// Wrong input: each case of tests/data/wrong is given to the program itself, which must say exactly what is wrong,
// where, and what the rule is, and end with exit code 3. See the README.md there for how cases are written.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

struct Case {
  std::string title, scenario, message;
  std::vector<std::string> assignments;
};

void replace(std::string& text, const std::string& old, const std::string& by) {
  const auto at = text.find(old);
  if (at == text.npos || text.find(old, at + 1) != text.npos)
    throw std::runtime_error("not there exactly once: " + old);
  text.replace(at, old.size(), by);
}

std::vector<Case> cases_of(const std::string& file) {
  const std::string right = read_text(path_of("tests/data/wrong/scenario.json"));
  std::istringstream lines(read_text(path_of("tests/data/wrong/" + file)));
  std::vector<Case> cases;
  std::string line, old;
  bool open = false;
  while (std::getline(lines, line)) {
    if (line.empty()) {
      open = false;
    } else if (!open) {
      cases.push_back({line, right, "", {}});
      open = true;
    } else if (line[0] == '-') {
      old = line.substr(2);
    } else if (line[0] == '+') {
      std::string by = line.substr(std::min<std::size_t>(2, line.size()));
      for (std::size_t at; (at = by.find("¶")) != by.npos;) by.replace(at, std::string("¶").size(), "\n");
      replace(cases.back().scenario, old, by);
    } else if (line[0] == 's') {
      cases.back().assignments.push_back(line.substr(2));
    } else {
      cases.back().message = line.substr(2);
    }
  }
  return cases;
}

// Runs a scenario in a folder of its own and compares the complaint; {folder} in it stands for that folder.
void expect_rejected(const Case& wrong, const std::string& folder = scratch_folder()) {
  SCOPED_TRACE(wrong.title);
  write_text(folder + "/wrong.json", wrong.scenario);
  std::vector<std::string> words{"run", "wrong.json", "--out", "out"};
  for (const std::string& assignment : wrong.assignments) words.insert(words.end(), {"--set", assignment});
  const Finished finished = paceline(words, {.folder = folder});
  std::string message = wrong.message;
  if (const auto at = message.find("{folder}"); at != message.npos) message.replace(at, 8, folder);
  EXPECT_EQ(finished.code, 3);
  EXPECT_EQ(finished.err, "paceline: " + message + "\n");
  EXPECT_EQ(finished.out, "");
  EXPECT_FALSE(std::filesystem::exists(folder + "/out"));
}

void expect_all_rejected(const std::string& file, std::size_t at_least) {
  const std::vector<Case> cases = cases_of(file);
  EXPECT_GE(cases.size(), at_least);
  for (const Case& wrong : cases) {
    EXPECT_FALSE(wrong.message.empty()) << wrong.title;
    expect_rejected(wrong);
  }
}

TEST(WrongInput, TheScenarioThatTheCasesBreakIsRight) {
  const std::string folder = scratch_folder();
  const Finished finished =
      paceline({"run", path_of("tests/data/wrong/scenario.json"), "--out", "out"}, {.folder = folder});
  EXPECT_EQ(finished.code, 0) << finished.err;
}

TEST(WrongInput, KeysAndKindsAreRejectedWithTheNearestName) { expect_all_rejected("keys.txt", 30); }
TEST(WrongInput, ValuesAreRejectedWithTheirTypeUnitAndBounds) { expect_all_rejected("values.txt", 50); }
TEST(WrongInput, RulesBetweenKeysAreChecked) { expect_all_rejected("rules.txt", 55); }
TEST(WrongInput, StrategiesAreRejectedAtTheKeyThatIsWrong) { expect_all_rejected("strategies.txt", 25); }
TEST(WrongInput, TopologiesAreRejectedAtTheKeyThatIsWrong) { expect_all_rejected("topologies.txt", 25); }

TEST(WrongInput, WhatIsNotJsonIsRejectedWhereItGoesWrong) {
  using namespace std::string_literals;
  const std::string all_values =
      "not JSON: this is not a value: a text in double quotes, a number, true, false, null, [ or {";
  const std::vector<Case> cases{
      {"an empty file", "", "wrong.json:1:1: not JSON: there is nothing in it", {}},
      {"only blanks", "\n \n\t\n", "wrong.json:3:2: not JSON: there is nothing in it", {}},
      {"only a comment", "// nothing\n", "wrong.json:1:11: not JSON: there is nothing in it", {}},
      {"a text that is not closed",
       R"({"name": "abc)",
       "wrong.json:1:10: not JSON: this text is not closed: its closing quote is missing",
       {}},
      {"a text that is not closed on its line",
       "{\n\"name\": \"abc,\n\"seed\": 1}",
       R"(wrong.json:2:9: not JSON: this text is not closed on its line (a line break within it is \n, a tab \t))",
       {}},
      {"a comma before a brace", "{\"seed\": 1,\n}", "wrong.json:2:1: not JSON: there is a comma before this }", {}},
      {"a comma before a bracket", "{\"seed\": [1,]}", "wrong.json:1:13: not JSON: there is a comma before this ]", {}},
      {"a missing comma", "{\"seed\": 1\n \"name\": 2}", "wrong.json:2:2: not JSON: a , or } must come here", {}},
      {"a missing comma in a list", "[1 2]", "wrong.json:1:4: not JSON: a , or ] must come here", {}},
      {"a missing colon",
       "{\"seed\" 1}",
       "wrong.json:1:9: not JSON: a : must come here, between the key and its value",
       {}},
      {"a key without quotes", "{seed: 1}", "wrong.json:1:2: not JSON: a key in double quotes must come here", {}},
      {"single quotes", "{'seed': 1}", "wrong.json:1:2: not JSON: a key in double quotes must come here", {}},
      {"a file that is cut off",
       "{\"cluster\": {\"workers\": 1",
       "wrong.json:1:25: not JSON: it ends before everything is closed",
       {}},
      {"more after the end", "{}\n{}", "wrong.json:2:1: not JSON: there is more after its end", {}},
      {"a comment that is not closed",
       "{}\n/* and",
       "wrong.json:2:6: not JSON: a comment is not closed: its */ is missing",
       {}},
      {"NaN", R"({"seed": NaN})", "wrong.json:1:10: " + all_values, {}},
      {"Infinity", R"({"seed": Infinity})", "wrong.json:1:10: " + all_values, {}},
      {"minus Infinity", R"({"seed": -Infinity})", "", {}},
      {"a word", R"({"seed": yes})", "wrong.json:1:10: " + all_values, {}},
      {"a number beyond all numbers", R"({"seed": 1e999})", "wrong.json:1:10: not JSON: this number is too large", {}},
      {"a byte that is not UTF-8", "{\"name\": \"\xff\"}", "wrong.json:1:11: not JSON: this byte is not UTF-8", {}},
      {"binary garbage", "\x7f"s + "ELF\x02\x01\x01", "", {}},
      {"a zero byte", "{}\n\0{}"s, "wrong.json:2:1: not JSON: a zero byte, as no text file has", {}},
      {"an array", "[1]", "wrong.json:1:1: must be an object, not an array", {}},
      {"a text", "\"cluster\"", "wrong.json:1:1: must be an object, not the text \"cluster\"", {}},
      {"65 levels", std::string(65, '['), "wrong.json:1:65: nested deeper than 64", {}},
      {"a million levels", std::string(1'000'000, '['), "wrong.json:1:65: nested deeper than 64", {}},
  };
  for (const Case& wrong : cases) {
    if (!wrong.message.empty()) {
      expect_rejected(wrong);
      continue;
    }
    const std::string folder = scratch_folder();
    write_text(folder + "/wrong.json", wrong.scenario);
    const Finished finished = paceline({"validate", "wrong.json"}, {.folder = folder});
    EXPECT_EQ(finished.code, 3) << wrong.title;
    EXPECT_TRUE(finished.err.starts_with("paceline: wrong.json:1:")) << finished.err;
  }
}

TEST(WrongInput, FilesThatAreNotThereOrNoFilesAreNamedAsTheyWereWritten) {
  const std::string folder = scratch_folder();
  std::filesystem::create_directories(folder + "/a folder");
  const auto complaint = [&](const std::string& path) {
    const Finished finished = paceline({"run", path}, {.folder = folder});
    EXPECT_EQ(finished.code, 3);
    return finished.err;
  };
  EXPECT_EQ(complaint("none.json"), "paceline: none.json: no such file\n");
  EXPECT_EQ(complaint("a folder"), "paceline: a folder: a folder, not a file\n");
  EXPECT_EQ(complaint(""), "paceline: : no such file\n");
  const std::string far(5'000, 'x');
  EXPECT_EQ(complaint(far), "paceline: " + far + ": cannot be read: File name too long\n");
}

TEST(WrongInput, FilesAboveTheLimitAreRejectedNotRead) {
  const std::string folder = scratch_folder();
  write_text(folder + "/wrong.json", "{}");
  std::filesystem::resize_file(folder + "/wrong.json", largest_document + 1);  // a hole: takes no room
  const Finished finished = paceline({"run", "wrong.json"}, {.folder = folder});
  EXPECT_EQ(finished.code, 3);
  EXPECT_EQ(finished.err, "paceline: wrong.json: larger than 64 MiB\n");
}

TEST(WrongInput, DocumentsOfTooManyValuesAreRejectedBeforeMemoryIsShort) {
  std::string text = "[0";
  for (std::size_t i = 0; i < most_values; ++i) text += ",0";
  try {
    parse_document(text + "]", "wrong.json");
    FAIL() << "was parsed";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("more than 4000000 values"), std::string::npos) << error.what();
  }
}

struct Extended {
  std::string title, message;
  std::map<std::string, std::string> files;
};

TEST(WrongInput, FilesThatExtendWronglyAreRejectedAtTheLineThatDoes) {
  std::map<std::string, std::string> deep;
  for (int i = 0; i < 70; ++i) deep[fmt::format("f{}.json", i)] = fmt::format(R"({{"extends": "f{}.json"}})", i + 1);
  deep["wrong.json"] = R"({"extends": "f0.json"})";
  std::map<std::string, std::string> wide{{"wrong.json", R"({"extends": ["w0.json", "w0.json"]})"}, {"w12.json", "{}"}};
  for (int i = 0; i < 12; ++i)
    wide[fmt::format("w{}.json", i)] = fmt::format(R"({{"extends": ["w{0}.json", "w{0}.json"]}})", i + 1);
  const std::vector<Extended> cases{
      {"itself",
       "wrong.json:1:13: /extends: \"wrong.json\" extends itself in a cycle",
       {{"wrong.json", R"({"extends": "wrong.json"})"}}},
      {"itself over three files",
       "sub/c.json:2:2: /extends: \"wrong.json\" extends itself in a cycle",
       {{"wrong.json", R"({"extends": "b.json"})"},
        {"b.json", R"({"extends": ["sub/c.json"]})"},
        {"sub/c.json", "{\"extends\": [\n \"../wrong.json\"]}"}}},
      {"a file that is not there",
       "wrong.json:1:13: /extends: no such file: \"none.json\"",
       {{"wrong.json", R"({"extends": "none.json"})"}}},
      {"a folder", "wrong.json:1:13: /extends: a folder, not a file: \".\"", {{"wrong.json", R"({"extends": "."})"}}},
      {"a number",
       "wrong.json:1:13: /extends: must be a path or a list of paths, not 3",
       {{"wrong.json", R"({"extends": 3})"}}},
      {"a list with a number",
       "wrong.json:1:24: /extends: must be a path or a list of paths, not 3",
       {{"wrong.json", R"({"extends": ["b.json", 3]})"}, {"b.json", "{}"}}},
      {"a file that is no object",
       "b.json:1:1: must be an object, not an array",
       {{"wrong.json", R"({"extends": "b.json"})"}, {"b.json", "[]"}}},
      {"a file that is not JSON",
       "b.json:2:1: not JSON: there is nothing in it",
       {{"wrong.json", R"({"extends": "b.json"})"}, {"b.json", "\n "}}},
      {"an error in a file that is extended",
       "sub/b.json:2:2: /sead: unknown key \"sead\"; did you mean \"seed\"?",
       {{"wrong.json", R"({"extends": "sub/b.json"})"}, {"sub/b.json", "{\n \"sead\": 1}"}}},
      {"a chain that is too deep", "f62.json:1:13: /extends: files extend each other deeper than 64", deep},
      {"more files than anyone has", "w11.json:1:14: /extends: more than 1000 files are extended", wide},
  };
  for (const Extended& wrong : cases) {
    const std::string folder = scratch_folder();
    for (const auto& [name, text] : wrong.files) write_text(folder + "/" + name, text);
    // Other faults of the file itself, a missing section above all, would come later.
    expect_rejected({wrong.title, wrong.files.at("wrong.json"), wrong.message, {}}, folder);
  }
}

TEST(WrongInput, PathsLongerThanAnyFileSystemHasAreRejectedNotThrown) {
  const std::string far(5'000, 'x');
  for (const char* key : {"extends", "topology"}) {
    std::string text = read_text(path_of("tests/data/wrong/scenario.json"));
    if (key == std::string("extends")) replace(text, "\"seed\": 1", "\"extends\": \"" + far + "\"");
    else replace(text, R"({"kind": "star", "bandwidth": "1Gbps", "latency": "10us"})", "\"" + far + "\"");
    const std::string folder = scratch_folder();
    write_text(folder + "/wrong.json", text);
    const Finished finished = paceline({"validate", "wrong.json"}, {.folder = folder});
    EXPECT_EQ(finished.code, 3);
    EXPECT_NE(finished.err.find("cannot be read: File name too long"), std::string::npos) << finished.err;
  }
}

TEST(WrongInput, ADottedPathDeeperThanAnyScenarioIsRejected) {
  std::string path = "a";
  for (int i = 0; i < 40'000; ++i) path += ".a";
  const Finished finished = paceline({"validate", path_of("tests/data/wrong/scenario.json"), "--set", path + "=1"});
  EXPECT_EQ(finished.code, 3);
  EXPECT_TRUE(finished.err.ends_with("=1: deeper than 64 keys\n")) << finished.err.substr(0, 100);
}

TEST(WrongInput, TextsThatAreNotUtf8AreReportedInJsonAllTheSame) {
  const std::string folder = scratch_folder();
  write_text(folder + "/wrong.json", "{\"name\": \"\xff\"}");
  const Finished finished = paceline({"validate", "--json", "wrong.json"}, {.folder = folder});
  EXPECT_EQ(finished.code, 3);
  EXPECT_NE(finished.out.find("this byte is not UTF-8"), std::string::npos) << finished.out << finished.err;
  for (const char* set : {"name=\xff", "name=\"\xff\"", "na\xffme=3"}) {
    const Finished refused = paceline({"validate", path_of("tests/data/wrong/scenario.json"), "--set", set});
    EXPECT_EQ(refused.code, 3);
    EXPECT_EQ(refused.err, std::string("paceline: --set ") + set + ": is not UTF-8\n");
  }
}

TEST(WrongInput, ValidateReportsEveryWrongFileAndTheRightOnesToo) {
  const std::string folder = scratch_folder();
  write_text(folder + "/a.json", "{");
  write_text(folder + "/b.json", read_text(path_of("tests/data/wrong/scenario.json")));
  write_text(folder + "/c.json", "{}");
  const Finished finished = paceline({"validate", "a.json", "b.json", "c.json"}, {.folder = folder});
  EXPECT_EQ(finished.code, 3);
  EXPECT_EQ(finished.out, "b.json: valid\n");
  EXPECT_EQ(finished.err,
            "paceline: a.json:1:1: not JSON: it ends before everything is closed\n"
            "paceline: c.json:1:1: missing key \"cluster\": what trains\n");
}

}  // namespace
}  // namespace paceline::test
