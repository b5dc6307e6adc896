// Results that somebody damaged or made on purpose: no command dies of a signal
// or waits for ever, each ends with one line.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <sstream>

#include "storage/hdf5/hdf5.h"
#include "storage/seal.h"
#include "tests/cli/lens_process.h"
#include "tests/cli/scratch_folder.h"
#include "tests/storage/fixtures.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
namespace fixtures = storage::fixtures;
using std::chrono::steady_clock;
using testing::HasSubstr;

// The soak test sets it to thousands.
int mutations() {
  const char* text = std::getenv("LENS_MUTATIONS");
  return text != nullptr ? std::atoi(text) : 12;
}

std::string sealed(const std::string& body) {
  Sha256 hash;
  hash.update(body);
  return body +
         storage::seal_text({.bytes = static_cast<std::int64_t>(body.size()),
                             .samples = 20,
                             .tokens = 30},
                            std::move(hash));
}

class HostileResults : public testing::Test {
 protected:
  HostileResults() {
    const storage::RunDirectory run(folder_ / "run");
    const storage::Manifest manifest = fixtures::make_manifest();
    storage::MergeOptions options;
    options.output = file_;
    storage::merge(run, manifest, fixtures::write_run(run, manifest), options);
    const std::string bytes = fixtures::read_bytes(file_);
    body_ = bytes.substr(0, bytes.size() - storage::kSealBytes);
  }

  std::vector<std::vector<std::string>> commands() const {
    const std::string file = file_.string();
    return {{"query", file, "score > 0.5 or failed"},
            {"stats", file, "--permutations", "99", "--resamples", "100"},
            {"diff", file, file, "--permutations", "99", "--resamples", "100"},
            {"show", file, "mtvqa/0.0"},
            {"export", file, "--csv", (folder_ / "csv").string(), "--parquet",
             (folder_ / "parquet").string()},
            {"report", file, "--samples", "2", "-o", report_.string()},
            {"verify", file}};
  }

  // Ends in time, with an exit code; where it is 1, one line says why.
  LensEnd expect_an_end(const std::vector<std::string>& words) {
    const auto begin = steady_clock::now();
    const LensEnd end = run_lens(words);
    EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(60));
    EXPECT_EQ(end.signal, 0);
    EXPECT_THAT(end.code, testing::AnyOf(0, 1)) << end.error;
    if (end.code == 1) expect_one_line(words.front(), end);
    return end;
  }

  void expect_one_line(const std::string& command, const LensEnd& end) {
    std::istringstream stream(end.error);
    int others = 0, notes = 0;
    for (std::string line; std::getline(stream, line);)
      ++(line.starts_with("Note: ") ? notes : others);
    // The problems that verify finds are its output.
    if (command == "verify" && !end.out.empty()) return;
    EXPECT_EQ(others, 1) << end.error;
  }

  void expect_ends(const std::string& bytes) {
    fixtures::write_bytes(file_, bytes);
    for (const auto& command : commands()) {
      SCOPED_TRACE(command.front());
      fs::remove(report_);
      const LensEnd end = expect_an_end(command);
      EXPECT_EQ(fs::exists(report_), command.front() == "report" && !end.code);
    }
  }

  // Structure of HDF5 where the generator says so, else any byte.
  std::size_t place(std::mt19937& engine) const {
    static const char* const kSignatures[] = {"TREE", "SNOD", "HEAP", "GCOL"};
    std::size_t at = engine() % body_.size();
    const std::uint32_t kind = engine() % 6;
    if (kind == 5) return at;
    if (kind == 4) return engine() % 4096;
    const std::size_t found = body_.find(kSignatures[kind], at);
    if (found != std::string::npos) at = found + engine() % 600;
    return std::min(at, body_.size() - 1);
  }

  ScratchFolder folder_;
  const fs::path file_ = folder_ / "results.h5";
  const fs::path report_ = folder_ / "report.html";
  std::string body_;
};

TEST_F(HostileResults, WholeOnesPass) {
  fixtures::write_bytes(file_, body_);
  for (const auto& command : commands())
    EXPECT_EQ(expect_an_end(command).code, 0) << command.front();
}

TEST_F(HostileResults, NoDamageCrashesOrHangsACommand) {
  std::mt19937 engine(11);
  for (int i = 0; i < mutations(); ++i) {
    std::string damaged = body_;
    for (std::uint32_t changes = 1 + engine() % 2; changes > 0; --changes) {
      const std::size_t at = place(engine);
      SCOPED_TRACE("mutation " + std::to_string(i) + " at " +
                   std::to_string(at));
      damaged[at] = static_cast<char>(engine());
    }
    SCOPED_TRACE("mutation " + std::to_string(i));
    // The checksum of a seal keeps nobody from making another.
    expect_ends(i % 2 == 0 ? damaged : sealed(damaged));
  }
}

// A data set of 2^60 entries without a chunk, in place of one of ours.
TEST_F(HostileResults, ClaimsWithoutValuesAreRefused) {
  struct Claim {
    const char* name;
    std::vector<hsize_t> lengths;
  };
  const std::vector<Claim> claims = {
      {"/mtvqa/score", {hsize_t{1} << 60}},
      {"/mtvqa/token_id", {hsize_t{1} << 60}},
      {"/mtvqa/entropy_mean", {8, hsize_t{1} << 60}},
      {"/vocabulary/token_script", {hsize_t{1} << 60}},
      {"/layer", {hsize_t{1} << 60}}};
  for (const Claim& claim : claims) {
    SCOPED_TRACE(claim.name);
    fixtures::write_bytes(file_, body_);
    {
      H5::H5File file(file_.string(), H5F_ACC_RDWR);
      const H5::DataType type = file.openDataSet(claim.name).getDataType();
      file.unlink(claim.name);
      H5::DSetCreatPropList properties;
      std::vector<hsize_t> chunk(claim.lengths.size(), 4);
      properties.setChunk(static_cast<int>(chunk.size()), chunk.data());
      file.createDataSet(claim.name, type,
                         H5::DataSpace(static_cast<int>(claim.lengths.size()),
                                       claim.lengths.data()),
                         properties);
    }
    for (const auto& command : commands())
      EXPECT_EQ(expect_an_end(command).code, 1) << command.front();
  }
}

// What lies in other files does not enter, whatever a link says.
TEST_F(HostileResults, OtherFilesAreNotRead) {
  fixtures::write_bytes(folder_ / "secret", std::string(4096, 's'));
  fixtures::write_bytes(file_, body_);
  {
    H5::H5File file(file_.string(), H5F_ACC_RDWR);
    file.unlink("/mtvqa/token_role");
    H5::DSetCreatPropList properties;
    const hsize_t tokens =
        file.openDataSet("/mtvqa/token_id").getSpace().getSimpleExtentNpoints();
    properties.setExternal((folder_ / "secret").c_str(), 0, tokens);
    file.createDataSet("/mtvqa/token_role", H5::PredType::STD_U8LE,
                       H5::DataSpace(1, &tokens), properties);
  }
  for (const auto& command : commands()) {
    const LensEnd end = expect_an_end(command);
    EXPECT_EQ(end.code, 1);
    EXPECT_THAT(end.error + end.out, HasSubstr("lies in other files"));
  }
}

TEST_F(HostileResults, LinksOfAGroupToItselfAreFollowedOnce) {
  fixtures::write_bytes(file_, body_);
  {
    H5::H5File file(file_.string(), H5F_ACC_RDWR);
    file.openGroup("/mtvqa").link(H5L_TYPE_HARD, "/mtvqa", "again");
    H5Lcreate_external((folder_ / "no.h5").c_str(), "/", file.getId(), "far",
                       H5P_DEFAULT, H5P_DEFAULT);
  }
  for (const auto& command : commands())
    EXPECT_EQ(expect_an_end(command).code, 0) << command.front();
}

}  // namespace
}  // namespace lens::cli
