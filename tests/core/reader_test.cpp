// Reader: what each kind of key takes and gives, and that describing runs over the same declarations.
#include "sim/core/reader.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/core/registry.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline {
namespace {

using Use = std::function<void(Reader&)>;

void read(const std::string& text, const Use& use, int workers = 8, const std::string& file = "r.json") {
  Node root = parse_document(text, file);
  Reader::Context context{.workers = workers, .seed = 0, .notes = {}};
  Reader in(root, "", context);
  use(in);
  in.finish();
}

std::string error_of(const std::string& text, const Use& use, int workers = 8) {
  try {
    read(text, use, workers);
  } catch (const ConfigError& error) { return error.what(); }
  return "no error";
}

TEST(Reader, GivesWhatIsWrittenAndTheFallbackOfWhatIsNot) {
  read(R"({"i": 3, "n": 0.5, "b": true, "t": "x", "d": "5ms", "w": "8Gbps", "s": "1KiB", "c": "2GFLOPS"})",
       [](Reader& in) {
         EXPECT_EQ(in.integer("i", {}), 3);
         EXPECT_EQ(in.number("n", {}), 0.5);
         EXPECT_TRUE(in.boolean("b", false, ""));
         EXPECT_EQ(in.text("t", {}), "x");
         EXPECT_EQ(in.duration("d", {}), 0.005);
         EXPECT_EQ(in.bandwidth("w", {}), 1e9);
         EXPECT_EQ(in.bytes("s", {}), 1024);
         EXPECT_EQ(in.compute("c", {}), 2e9);
       });
  read("{}", [](Reader& in) {
    EXPECT_EQ(in.integer("i", {.fallback = 4}), 4);
    EXPECT_EQ(in.number("n", {.fallback = 0.25}), 0.25);
    EXPECT_TRUE(in.boolean("b", true, ""));
    EXPECT_EQ(in.text("t", {.fallback = "y"}), "y");
    EXPECT_EQ(in.duration("d", {.fallback = 7}), 7);
    EXPECT_TRUE(std::isinf(in.duration("never", {.fallback = std::numeric_limits<double>::infinity()})));
    EXPECT_EQ(in.optional_integer("oi", {}), std::nullopt);
    EXPECT_EQ(in.optional_number("on", {}), std::nullopt);
    EXPECT_EQ(in.optional_duration("od", {}), std::nullopt);
    EXPECT_TRUE(in.integers("is", {}).empty());
    EXPECT_TRUE(in.texts("ts", "").empty());
    EXPECT_EQ(in.data_path("p", ""), "");
    EXPECT_FALSE(in.object("o", "", [](Reader& own) { EXPECT_FALSE(own.present()); }));
  });
}

TEST(Reader, AcceptsTheBoundsThemselvesUnlessTheyAreExcluded) {
  const auto bounded = [](Reader& in) { in.integer("i", {.minimum = 1, .maximum = 3}); };
  EXPECT_EQ(error_of(R"({"i": 1})", bounded), "no error");
  EXPECT_EQ(error_of(R"({"i": 3})", bounded), "no error");
  EXPECT_EQ(error_of(R"({"i": 4})", bounded), "r.json:1:7: /i: must be at most 3, not 4");
  const auto above = [](Reader& in) { in.number("n", {.minimum = 0, .maximum = 1, .above_minimum = true}); };
  EXPECT_EQ(error_of(R"({"n": 1})", above), "no error");
  EXPECT_EQ(error_of(R"({"n": 0})", above), "r.json:1:7: /n: must be above 0 and at most 1, not 0");
  EXPECT_EQ(error_of(R"({"n": 1.0000000000000002})", above),
            "r.json:1:7: /n: must be above 0 and at most 1, not 1.0000000000000002");
}

TEST(Reader, ReadsWorkersAsIndexRangesOrList) {
  const auto workers = [](const std::string& value) {
    std::vector<int> got;
    read("{\"w\": " + value + "}", [&](Reader& in) { got = in.workers("w", ""); });
    return got;
  };
  EXPECT_EQ(workers("3"), (std::vector{3}));
  EXPECT_EQ(workers("\"3\""), (std::vector{3}));
  EXPECT_EQ(workers("\"0-3,7\""), (std::vector{0, 1, 2, 3, 7}));
  EXPECT_EQ(workers("\"5,2-3,2\""), (std::vector{2, 3, 5}));
  EXPECT_EQ(workers("\"4-4\""), (std::vector{4}));
  EXPECT_EQ(workers("[7, 0, 7]"), (std::vector{0, 7}));
}

TEST(Reader, UnknownKeysComeBeforeMissingOnes) {
  const auto use = [](Reader& in) { in.integer("needed", {.help = "how many"}); };
  EXPECT_EQ(error_of("{}", use), "r.json:1:1: missing key \"needed\": an integer: how many");
  EXPECT_EQ(error_of(R"({"nedeed": 1})", use), "r.json:1:2: /nedeed: unknown key \"nedeed\"; did you mean \"needed\"?");
}

TEST(Reader, AKeyThatOthersDependOnIsMissedAtOnce) {
  const auto use = [](Reader& in) {
    in.integer("needed", {.help = "how many"});
    in.need("needed");
    in.fail("", "is never reached");
  };
  EXPECT_EQ(error_of(R"({"other": 1})", use), "r.json:1:1: missing key \"needed\": an integer: how many");
  EXPECT_EQ(error_of(R"({"nedeed": 1})", use), "r.json:1:2: /nedeed: unknown key \"nedeed\"; did you mean \"needed\"?");
}

TEST(Reader, PointersEscapeSlashesAndTildes) {
  EXPECT_EQ(error_of(R"({"a/b~c": "x"})", [](Reader& in) { in.integer("a/b~c", {}); }),
            "r.json:1:11: /a~1b~0c: must be an integer, not the text \"x\"");
}

TEST(Reader, ErrorsStayOnOneLineWhateverTheFileHolds) {
  const std::string error =
      error_of(R"({"t": "a\nb\u001b[2J\u007f"})", [](Reader& in) { in.text("t", {.choices = {"x"}}); });
  EXPECT_EQ(error, "r.json:1:7: /t: unknown value \"a\\nb\\x1b[2J\\x7f\"; there are: x");
}

TEST(Reader, ADocumentByItsPathTakesThePlaceOfThePath) {
  const std::string folder = test::scratch_folder();
  test::write_text(folder + "/sub/part.json", R"({"x": 5})");
  std::int64_t x = 0;
  const auto use = [&](Reader& in) { in.document("part", "", [&](Reader& part) { x = part.integer("x", {}); }); };
  read(R"({"part": "sub/part.json"})", use, 8, folder + "/main.json");
  EXPECT_EQ(x, 5);
  read(R"({"part": {"x": 6}})", use);
  EXPECT_EQ(x, 6);
}

TEST(Reader, DataIsNamedByItsContentAndNotByItsPath) {
  const auto canonical_of = [](const std::string& path) {
    Node root = parse_document("{\"path\": \"" + path + "\"}", "r.json");
    Reader::Context context;
    Reader in(root, "", context);
    in.data_path("path", "");
    return root.canonical();
  };
  const std::string folder = test::scratch_folder();
  test::write_text(folder + "/one/a", "AAA");
  test::write_text(folder + "/two/a", "AAA");
  test::write_text(folder + "/three/a", "AAB");
  test::write_text(folder + "/four/b", "AAA");
  EXPECT_EQ(canonical_of(folder + "/one"), canonical_of(folder + "/two"));
  EXPECT_NE(canonical_of(folder + "/one"), canonical_of(folder + "/three"));
  EXPECT_NE(canonical_of(folder + "/one"), canonical_of(folder + "/four"))
      << "the names within a folder say what is what";
  EXPECT_EQ(canonical_of(folder + "/one/a"), canonical_of(folder + "/four/b")) << "the name of one file does not";
}

TEST(Reader, DescribesTheKeysThatItReads) {
  Description description;
  Reader in(description);
  EXPECT_TRUE(in.describing());
  EXPECT_EQ(in.integer("i", {.minimum = 2, .maximum = 9, .help = "an i"}), 2);
  in.number("n", {.minimum = 0, .above_minimum = true, .fallback = 0.1, .help = "an n"});
  in.duration("d", {.fallback = 0, .help = "a d"});
  in.text("t", {.choices = {"x", "y"}, .fallback = "y", .help = "a t"});
  in.optional_number("o", {.help = "an o"});
  in.workers("w", "a w");
  in.object("sub", "a sub", [](Reader& sub) { sub.boolean("b", true, "a b"); });
  in.finish();
  ASSERT_EQ(description.keys.size(), 7u);
  std::array<KeyDescription, 7> keys;
  std::move(description.keys.begin(), description.keys.end(), keys.begin());
  const auto& [i, n, d, t, o, w, sub] = keys;
  EXPECT_TRUE(i.required && i.minimum == 2 && i.maximum == 9 && i.fallback.empty() && i.help == "an i");
  EXPECT_TRUE(!n.required && n.above_minimum && n.minimum == 0 && !n.maximum && n.fallback == "0.1");
  EXPECT_TRUE(d.dimension == Dimension::duration && d.fallback == "\"0s\"");
  EXPECT_TRUE(t.type == "choice" && t.choices.size() == 2 && t.fallback == "\"y\"");
  EXPECT_TRUE(!o.required && o.fallback.empty());
  EXPECT_TRUE(w.required && w.type == "workers");
  ASSERT_EQ(sub.keys.size(), 1u);
  EXPECT_EQ(sub.keys[0].fallback, "true");
}

}  // namespace
}  // namespace paceline
