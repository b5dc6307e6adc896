#include "proto/security.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cctype>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "proto/address.h"
#include "proto/certificate.h"
#include "proto/channel.h"
#include "tests/coordinator/temporary_directory.h"

namespace lens::proto {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

mode_t mode_of(const fs::path& path) {
  struct stat info;
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

std::string read(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
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

TEST_F(SecurityTest, MissingCredentialsAreMadeAnew) {
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  const std::string token = read_client_credentials(folder())->token;
  fs::remove(folder() / "server.key");
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  EXPECT_TRUE(read_server_credentials(folder()).ok());
  EXPECT_NE(read_client_credentials(folder())->token, token);
}

// Coordinators that died before they placed their credentials leave keys.
TEST_F(SecurityTest, LeftoversAreRemovedAndNothingElse) {
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  const std::string token = read_client_credentials(folder())->token;
  const fs::path left = directory_.path() / ".auth.Ab3xYz";
  fs::create_directory(left);
  std::ofstream(left / "server.key") << "secret";
  const fs::path others[] = {directory_.path() / ".auth.old",
                             directory_.path() / ".author"};
  for (const fs::path& other : others) fs::create_directory(other);
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  EXPECT_FALSE(fs::exists(left));
  for (const fs::path& other : others) EXPECT_TRUE(fs::exists(other)) << other;
  EXPECT_EQ(read_client_credentials(folder())->token, token);
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

// What a loss of power, a copy or an editor does to a file.
struct Damage {
  const char* name;
  std::function<std::string(const std::string&)> apply;
};

std::vector<Damage> damages() {
  return {
      {"empty", [](const std::string&) { return std::string(); }},
      {"cut",
       [](const std::string& text) { return text.substr(0, text.size() / 2); }},
      {"zeros",
       [](const std::string& text) { return std::string(text.size(), '\0'); }},
      {"zeros at its end",
       [](const std::string& text) { return text + std::string(512, '\0'); }},
      {"a new line too many",
       [](const std::string& text) { return text + "\n"; }},
      {"a bit flipped",
       [](std::string text) {
         text[text.size() / 2] ^= 0x40;
         return text;
       }},
      {"a control character",
       [](std::string text) {
         text[text.size() / 2] = '\x07';
         return text;
       }},
      {"long", [](const std::string&) { return std::string(1 << 20, 'a'); }},
  };
}

class DamagedCredentials
    : public ::testing::TestWithParam<std::tuple<const char*, Damage>> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(ensure_credentials(folder()).ok());
    token_ = read_client_credentials(folder())->token;
  }
  fs::path folder() const { return directory_.path() / ".auth"; }
  // What a client of the run finds.
  absl::Status connecting() const {
    const CoordinatorAddress address{"127.0.0.1", 4321, "run", 1, 99, false};
    EXPECT_TRUE(
        write_address(directory_.path() / "coordinator.json", address).ok());
    return connect(directory_.path()).status();
  }
  void expect_made_anew() const {
    ASSERT_TRUE(ensure_credentials(folder()).ok());
    EXPECT_TRUE(read_server_credentials(folder()).ok());
    ASSERT_TRUE(read_client_credentials(folder()).ok());
    EXPECT_NE(read_client_credentials(folder())->token, token_);
  }

  coordinator::TemporaryDirectory directory_;
  std::string token_;
};

TEST_P(DamagedCredentials, AreNamedByAClientAndMadeAnew) {
  const auto& [name, damage] = GetParam();
  const fs::path file = folder() / name;
  write(file, damage.apply(read(file)));
  const bool of_the_client = !std::string(name).starts_with("server");
  const auto found =
      of_the_client ? connecting() : read_server_credentials(folder()).status();
  EXPECT_TRUE(absl::IsDataLoss(found)) << found;
  EXPECT_THAT(std::string(found.message()), HasSubstr(file.string() + " ("));
  EXPECT_EQ(found.message().find('\n'), std::string::npos);
  expect_made_anew();
}

INSTANTIATE_TEST_SUITE_P(
    Each, DamagedCredentials,
    ::testing::Combine(::testing::Values("authority.pem", "server.pem",
                                         "server.key", "client.pem",
                                         "client.key", "token"),
                       ::testing::ValuesIn(damages())),
    [](const auto& test) {
      std::string name =
          std::string(std::get<0>(test.param)) + std::get<1>(test.param).name;
      std::erase_if(name, [](char c) { return std::isalnum(c) == 0; });
      return name;
    });

// Whole files, of two runs: a copy that stopped in between.
TEST_F(SecurityTest, FilesOfAnotherRunAreNamed) {
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  const fs::path other = directory_.path() / ".other";
  ASSERT_TRUE(ensure_credentials(other).ok());
  for (const char* name : {"client.pem", "client.key"}) {
    const std::string own = read(folder() / name);
    write(folder() / name, read(other / name));
    const auto found = read_client_credentials(folder()).status();
    EXPECT_THAT(std::string(found.message()),
                HasSubstr((folder() / name).string() + " ("));
    write(folder() / name, own);
  }
  EXPECT_TRUE(read_client_credentials(folder()).ok());
}

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  EXPECT_EQ(ASN1_TIME_to_tm(time, &parts), 1);
  char text[32] = "";
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

// Hosts' clocks differ, by decades where a battery is empty.
TEST(Certificate, IsValidWhateverTheClockSays) {
  const auto certificates = make_certificates();
  ASSERT_TRUE(certificates.ok()) << certificates.status();
  for (const std::string& text :
       {certificates->authority, certificates->server.certificate,
        certificates->client.certificate}) {
    BIO* const bio =
        BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
    X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    ASSERT_NE(certificate, nullptr);
    EXPECT_EQ(time_text(X509_get0_notBefore(certificate)),
              "1970-01-01 00:00:00");
    EXPECT_EQ(time_text(X509_get0_notAfter(certificate)),
              "9999-12-31 23:59:59");
    X509_free(certificate);
    BIO_free(bio);
  }
}

TEST(Certificate, IsSignedByItsOwnAuthorityAlone) {
  const auto ours = make_certificates();
  const auto others = make_certificates();
  ASSERT_TRUE(ours.ok() && others.ok());
  EXPECT_TRUE(is_signed_by(ours->server.certificate, ours->authority));
  EXPECT_FALSE(is_signed_by(ours->server.certificate, others->authority));
  EXPECT_TRUE(is_pair(ours->client));
  EXPECT_FALSE(is_pair({ours->client.certificate, others->client.private_key}));
  EXPECT_FALSE(is_signed_by("no certificate", ours->authority));
}

// Whoever can write coordinator.json must not get the token that way.
TEST_F(SecurityTest, TokenIsNotSentInClearToAnotherHost) {
  ASSERT_TRUE(ensure_credentials(folder()).ok());
  const fs::path file = directory_.path() / "coordinator.json";
  for (const char* host :
       {"10.1.2.3", "node7", "localhost", "127.0.0.1.example.org", "fe80::1"}) {
    const CoordinatorAddress address{host, 4321, "run", 1, 99, true};
    ASSERT_TRUE(write_address(file, address).ok());
    const auto refused = connect(directory_.path()).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << host;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(address.target()));
  }
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1"}) {
    const CoordinatorAddress address{host, 4321, "run", 1, 99, true};
    ASSERT_TRUE(write_address(file, address).ok());
    EXPECT_TRUE(connect(directory_.path()).ok()) << host;
  }
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
