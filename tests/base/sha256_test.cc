#include "base/sha256.h"

#include <gtest/gtest.h>

#include "tests/storage/fixtures.h"

namespace lens::storage {
namespace {

// FIPS 180-4 examples.
TEST(Sha256, GivesTheStandardDigests) {
  EXPECT_EQ(sha256_hex(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  EXPECT_EQ(hash.finish_hex(), sha256_hex("abc"));
}

TEST(Sha256, FileGivesTheDigestOfItsBytes) {
  const fixtures::TemporaryFolder folder;
  const std::string bytes(3 << 20, 'x');
  fixtures::write_bytes(folder.path() / "f", bytes);
  EXPECT_EQ(sha256_file(folder.path() / "f"), sha256_hex(bytes));
}

}  // namespace
}  // namespace lens::storage
