#include "proto/security.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "proto/address.h"
#include "proto/certificate.h"
#include "tests/coordinator/temporary_directory.h"

namespace lens::proto {
namespace {

namespace fs = std::filesystem;

mode_t mode_of(const fs::path& path) {
  struct stat info;
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

class SecurityTest : public ::testing::Test {
 protected:
  fs::path folder() const { return directory_.path() / ".auth"; }
  coordinator::TemporaryDirectory directory_;
};

TEST_F(SecurityTest, FolderAndFilesAreForTheOwnerAlone) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  ::umask(before);
  EXPECT_EQ(mode_of(folder()), 0700u);
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder())) {
    EXPECT_EQ(mode_of(entry.path()), 0600u) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 6);
}

TEST_F(SecurityTest, NothingIsLeftBesideTheFolder) {
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_.path()),
                          fs::directory_iterator()),
            1);
}

TEST_F(SecurityTest, CredentialsStayAcrossRestarts) {
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  const std::string token = read_client_credentials(folder())->token;
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  EXPECT_EQ(read_client_credentials(folder())->token, token);
  EXPECT_EQ(read_server_credentials(folder())->token, token);
  EXPECT_EQ(token.size(), 64u);
}

TEST_F(SecurityTest, DamagedCredentialsAreMadeAnew) {
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  const std::string token = read_client_credentials(folder())->token;
  fs::remove(folder() / "server.key");
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  EXPECT_TRUE(read_server_credentials(folder()).ok());
  EXPECT_NE(read_client_credentials(folder())->token, token);
}

TEST_F(SecurityTest, FolderThatWasOpenedToOthersIsClosedAgain) {
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  fs::permissions(folder(), fs::perms(0755));
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  EXPECT_EQ(mode_of(folder()), 0700u);
}

TEST_F(SecurityTest, NoCredentialsIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(read_client_credentials(folder()).status()));
}

TEST(Certificate, IsValidForAsLongAsAskedFor) {
  const auto certificates = make_certificates(10);
  ASSERT_TRUE(certificates.ok()) << certificates.status();
  EXPECT_TRUE(valid_for_days(certificates->server.certificate, 9));
  EXPECT_FALSE(valid_for_days(certificates->server.certificate, 11));
  EXPECT_FALSE(valid_for_days("no certificate", 0));
}

TEST(Token, OnlyTheWholeTokenIsAuthorized) {
  EXPECT_TRUE(is_authorized("Bearer abc", "abc"));
  for (const char* wrong : {"", "abc", "Bearer ", "Bearer ab", "Bearer abd",
                            "Bearer abcd", "bearer abc", "Bearer abc "}) {
    EXPECT_FALSE(is_authorized(wrong, "abc")) << wrong;
  }
}

TEST(Address, SurvivesItsFileAndIsRemovedOnlyByItsOwner) {
  const coordinator::TemporaryDirectory directory;
  const fs::path file = directory.path() / "coordinator.json";
  EXPECT_TRUE(absl::IsNotFound(read_address(file).status()));
  const CoordinatorAddress mine{"node7", 4321, "run", 5, 99, false};
  ASSERT_TRUE(write_address(file, mine).ok());
  EXPECT_EQ(*read_address(file), mine);
  CoordinatorAddress other = mine;
  other.epoch = 4;
  remove_address(file, other);
  EXPECT_TRUE(fs::exists(file));
  remove_address(file, mine);
  EXPECT_FALSE(fs::exists(file));
}

TEST(Address, TargetOfIpv6HasBrackets) {
  EXPECT_EQ((CoordinatorAddress{"::1", 5, "", 1, 1, false}).target(),
            "[::1]:5");
  EXPECT_EQ((CoordinatorAddress{"n1", 5, "", 1, 1, false}).target(), "n1:5");
}

}  // namespace
}  // namespace lens::proto
