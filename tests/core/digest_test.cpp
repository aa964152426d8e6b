// SHA-256 against the vectors of FIPS 180-4 and of NIST's example files.
#include "sim/core/digest.hpp"

#include <gtest/gtest.h>

#include <set>

namespace paceline {
namespace {

std::string sha256(std::string_view bytes) { return Digest().add(bytes).hex(); }

TEST(Digest, OfNothingIsTheKnownOne) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, OfOneBlockIsTheKnownOne) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, OfTwoBlocksIsTheKnownOne) {
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Digest, OfManyBlocksIsTheKnownOne) {
  EXPECT_EQ(sha256("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmno"
                   "pqrstnopqrstu"),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

TEST(Digest, OfAMillionLettersIsTheKnownOne) {
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, DoesNotDependOnHowTheBytesAreDealtOut) {
  std::string text;
  for (int i = 0; i < 1'000; ++i) text += char(i * 37 % 251);
  const std::string whole = sha256(text);
  for (std::size_t piece : {1u, 7u, 55u, 56u, 63u, 64u, 65u, 128u, 999u}) {
    Digest digest;
    for (std::size_t at = 0; at < text.size(); at += piece) digest.add(std::string_view(text).substr(at, piece));
    EXPECT_EQ(digest.hex(), whole) << piece;
  }
}

TEST(Digest, PadsEveryLengthAroundABlockDifferently) {
  std::set<std::string> seen;
  for (std::size_t length = 0; length <= 130; ++length) seen.insert(sha256(std::string(length, '\0')));
  EXPECT_EQ(seen.size(), 131u);
}

}  // namespace
}  // namespace paceline
