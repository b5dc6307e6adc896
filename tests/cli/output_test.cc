// Standard output that cannot be written, and targets that are no files.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "cli/program.h"
#include "cli/standard_output.h"
#include "tests/cli/lens_process.h"
#include "tests/cli/scratch_folder.h"
#include "tests/storage/fixtures.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
namespace fixtures = storage::fixtures;
using testing::HasSubstr;

class Output : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new ScratchFolder;
    const storage::RunDirectory run(*folder_ / "run");
    const storage::Manifest manifest = fixtures::make_manifest();
    storage::MergeOptions options;
    options.output = run.results();
    storage::merge(run, manifest, fixtures::write_run(run, manifest), options);
  }
  static void TearDownTestSuite() { delete folder_; }

  static std::string run() { return (*folder_ / "run").string(); }
  static std::string file(const std::string& name) {
    return (*folder_ / name).string();
  }

  static ScratchFolder* folder_;
};
ScratchFolder* Output::folder_ = nullptr;

TEST_F(Output, FullDiskBehindStandardOutputEndsEveryCommandWith1) {
  const std::vector<std::vector<std::string>> commands = {
      {"--help"},
      {"--version"},
      {"run", "--help"},
      {"query", run(), "ok"},
      {"query", run(), "ok", "--json"},
      {"show", run(), "mtvqa/0.0"},
      {"stats", run(), "--permutations", "99", "--resamples", "100"},
      {"stats", run(), "--permutations", "99", "--resamples", "100", "--json",
       "-"},
      {"diff", run(), run(), "--permutations", "99", "--resamples", "100"},
      {"export", run(), "--csv", file("csv"), "--no-samples"},
      {"report", run(), "-o", file("page.html"), "--samples", "1"},
      {"status", run()},
      {"merge", run()},
      {"verify", run()},
      {"doctor", run()}};
  for (const auto& words : commands) {
    const LensEnd end = run_lens(words, "/dev/full");
    EXPECT_EQ(end.code, 1) << words.front();
    EXPECT_THAT(end.error,
                testing::EndsWith("cannot write the output (No space left on "
                                  "device); free space, or send it "
                                  "elsewhere\n"))
        << words.front();
  }
}

TEST_F(Output, ReaderThatHasSeenEnoughIsNoError) {
  for (const auto action : {SIG_DFL, SIG_IGN}) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ::close(ends[0]);
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGPIPE, action);
      ::dup2(ends[1], STDOUT_FILENO);
      const int error = ::open(file("error").c_str(),
                               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
      ::dup2(error, STDERR_FILENO);
      const std::string path = run();
      const char* const words[] = {"lens", "query", path.c_str(), "ok"};
      ::_exit(lens_main(4, words));
    }
    ::close(ends[1]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (action == SIG_DFL) {
      EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    } else {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    }
    EXPECT_THAT(fixtures::read_bytes(file("error")),
                testing::Not(HasSubstr("lens query")));
  }
}

TEST_F(Output, ClosedStandardOutputIsAnErrorAndSpoilsNoFile) {
  const std::string page = file("closed.html");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDOUT_FILENO);
    const std::string path = run();
    const char* const words[] = {"lens",       "report",    path.c_str(), "-o",
                                 page.c_str(), "--samples", "1"};
    ::_exit(lens_main(7, words));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
  EXPECT_THAT(fixtures::read_bytes(page), testing::EndsWith("</html>\n"));
}

TEST_F(Output, DeviceIsWrittenToAndStaysOne) {
  struct stat before = {}, after = {};
  ASSERT_EQ(::stat("/dev/null", &before), 0);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"report", run(), "-o", "/dev/null",
                                 "--samples", "1"},
        {"stats", run(), "--permutations", "99", "--resamples", "100", "--json",
         "/dev/null"}}) {
    EXPECT_EQ(run_lens(words).code, 0);
    ASSERT_EQ(::stat("/dev/null", &after), 0);
    EXPECT_TRUE(S_ISCHR(after.st_mode));
    EXPECT_EQ(after.st_ino, before.st_ino);
  }
  const LensEnd full =
      run_lens({"report", run(), "-o", "/dev/full", "--samples", "1"});
  EXPECT_EQ(full.code, 1);
  EXPECT_THAT(full.error, HasSubstr("No space left"));
}

TEST_F(Output, MergeRefusesWhatIsNoFile) {
  for (const char* target : {"/dev/null", "/dev/stdout", "/dev"}) {
    const LensEnd end = run_lens({"merge", run(), "--partial", "-o", target});
    EXPECT_EQ(end.code, 1);
    EXPECT_THAT(end.error, HasSubstr("cannot write " + std::string(target)));
    EXPECT_EQ(std::count(end.error.begin(), end.error.end(), '\n'), 1);
  }
}

TEST_F(Output, ReportGoesToStandardOutputByName) {
  const std::string out = file("stdout.html");
  ASSERT_EQ(
      run_lens({"report", run(), "-o", "/dev/stdout", "--samples", "1"}, out)
          .code,
      0);
  EXPECT_THAT(fixtures::read_bytes(out),
              testing::AllOf(testing::StartsWith("<!"), HasSubstr("</html>")));
}

TEST_F(Output, LinkIsFollowedAndStaysALink) {
  fs::create_directory(file("elsewhere"));
  fs::create_symlink("elsewhere/page.html", file("link.html"));
  ASSERT_EQ(
      run_lens({"report", run(), "-o", file("link.html"), "--samples", "1"})
          .code,
      0);
  EXPECT_TRUE(fs::is_symlink(file("link.html")));
  EXPECT_TRUE(fs::is_regular_file(file("elsewhere/page.html")));
}

TEST_F(Output, FolderAsTargetIsRefused) {
  fs::create_directory(file("folder"));
  const LensEnd end =
      run_lens({"report", run(), "-o", file("folder"), "--samples", "1"});
  EXPECT_EQ(end.code, 1);
  EXPECT_THAT(end.error, HasSubstr("it is a folder"));
}

TEST(StandardOutput, SaysWhyItCouldNotBeWritten) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  StandardOutput out(full);
  out << "text";
  EXPECT_THROW(out.finish(), OutputError);
  EXPECT_NO_THROW(out.finish()) << "tried once";
  ::close(full);
}

}  // namespace
}  // namespace lens::cli
