#include "storage/seal.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "fixtures.h"
#include "storage/vocabulary_file.h"

namespace lens::storage {
namespace {

std::string sealed(const std::string& body) {
  Sha256 hash;
  hash.update(body);
  return body + seal_text({.bytes = static_cast<std::int64_t>(body.size()),
                           .samples = 3,
                           .tokens = 12},
                          std::move(hash));
}

Seal check(const std::string& bytes) {
  return check_seal(std::as_bytes(std::span(bytes.data(), bytes.size())), "f");
}

TEST(Seal, SaysWhatWasSealed) {
  const Seal seal = check(sealed("body"));
  EXPECT_EQ(seal, (Seal{.bytes = 4, .samples = 3, .tokens = 12}));
}

TEST(Seal, FindsEveryFlippedBit) {
  const std::string bytes = sealed("the body");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      EXPECT_THROW(check(flipped), StorageError) << i << "," << bit;
    }
  }
}

TEST(Seal, FindsEveryCut) {
  const std::string bytes = sealed("the body");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_THROW(check(bytes.substr(0, i)), StorageError) << i;
  }
  EXPECT_THROW(check(bytes + "x"), StorageError);
}

TEST(Seal, FileAndMemoryAgree) {
  const fixtures::TemporaryFolder folder;
  const auto file = folder.path() / "f";
  fixtures::write_bytes(file, sealed(std::string(3 << 20, 'b')));
  EXPECT_EQ(check_seal(file), peek_seal(file));
  EXPECT_EQ(inspect_seal(file).state, SealState::kIntact);
  std::string bytes = fixtures::read_bytes(file);
  bytes[1 << 20] = 'c';
  fixtures::write_bytes(file, bytes);
  EXPECT_THROW(check_seal(file), StorageError);
  EXPECT_NO_THROW(peek_seal(file));
  EXPECT_EQ(inspect_seal(file).state, SealState::kDamaged);
  fixtures::write_bytes(file, bytes + "x");
  EXPECT_EQ(inspect_seal(file).state, SealState::kMissing);
  fixtures::write_bytes(file, "short");
  EXPECT_EQ(inspect_seal(file).state, SealState::kMissing);
}

// As a part is: HDF5 data, then the seal.
TEST(Seal, CutOffCleanlyIsMissingAndAllElseIsDamaged) {
  const fixtures::TemporaryFolder folder;
  const auto file = folder.path() / "vocabulary.h5";
  write_vocabulary(file, fixtures::make_vocabulary());
  const std::string bytes = fixtures::read_bytes(file);
  const auto state_of = [&](const std::string& content) {
    fixtures::write_bytes(file, content);
    return inspect_seal(file).state;
  };
  EXPECT_EQ(state_of(bytes), SealState::kIntact);
  const std::string body = bytes.substr(0, bytes.size() - kSealBytes);
  EXPECT_EQ(state_of(body), SealState::kMissing);
  EXPECT_EQ(state_of(body.substr(0, body.size() - 1)), SealState::kDamaged);
  EXPECT_EQ(state_of(bytes.substr(0, bytes.size() - 1)), SealState::kDamaged);
  EXPECT_EQ(state_of(bytes + "x"), SealState::kDamaged);
  for (std::size_t at = body.size(); at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    EXPECT_EQ(state_of(flipped), SealState::kDamaged) << at;
  }
}

}  // namespace
}  // namespace lens::storage
