#include "cli/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class ChildProcessTest : public testing::Test {
 protected:
  ChildOptions shell(const std::string& script) const {
    return {.command = {"/bin/sh", "-c", script},
            .log = folder_ / "log",
            .environment = {}};
  }
  std::string log() const {
    std::stringstream text;
    text << std::ifstream(folder_ / "log").rdbuf();
    return text.str();
  }

  ScratchFolder folder_;
};

TEST_F(ChildProcessTest, ExitThatSomebodyElseTookIsNotAGoodOne) {
  ChildProcess child(shell("exit 0"));
  int status = 0;
  ASSERT_EQ(waitpid(child.pid(), &status, 0), child.pid());
  const auto exit = child.poll();
  ASSERT_TRUE(exit);
  EXPECT_FALSE(exit->clean());
  EXPECT_EQ(exit->text(), "its exit was not seen");
}

TEST_F(ChildProcessTest, DescendantsAreKilledButNotWhatAChildProcessHolds) {
  adopt_orphans();
  ChildProcess held(shell("exec sleep 60"));
  ChildProcess done(shell("exit 3"));
  // The shell leaves an orphan, which becomes ours.
  run_to_end(shell("sleep 60 & echo $! > " + (folder_ / "pid").string()), 20s);
  pid_t orphan = 0;
  std::ifstream(folder_ / "pid") >> orphan;
  ASSERT_GT(orphan, 0);
  kill_descendants(5s);
  EXPECT_NE(kill(orphan, 0), 0);
  EXPECT_TRUE(held.running());
  for (int i = 0; i < 500 && done.running(); ++i)
    std::this_thread::sleep_for(10ms);
  ASSERT_TRUE(done.poll());
  EXPECT_EQ(done.poll()->code, 3) << "its status was left to it";
}

TEST_F(ChildProcessTest, VariablesOfALauncherAreNotHandedOn) {
  setenv("OMPI_COMM_WORLD_RANK", "3", 1);
  setenv("LENS_TEST_KEPT", "kept", 1);
  ChildOptions options = shell("env");
  options.without = {"OMPI_"};
  run_to_end(options, 20s);
  unsetenv("OMPI_COMM_WORLD_RANK");
  unsetenv("LENS_TEST_KEPT");
  EXPECT_THAT(log(), HasSubstr("LENS_TEST_KEPT=kept"));
  EXPECT_THAT(log(), Not(HasSubstr("OMPI_")));
}

TEST_F(ChildProcessTest, FolderOfPathThatCannotBeReadIsSkipped) {
  // Root may read everything, but not follow a link that leads to itself.
  fs::create_symlink(folder_ / "loop", folder_ / "loop");
  std::ofstream(folder_ / "tool") << "#!/bin/sh\n";
  chmod((folder_ / "tool").c_str(), 0755);
  const std::string former = std::getenv("PATH");
  setenv("PATH",
         ((folder_ / "loop").string() + ":" + folder_.path().string()).c_str(),
         1);
  const fs::path found = find_in_path("tool");
  setenv("PATH", former.c_str(), 1);
  EXPECT_EQ(found, folder_ / "tool");
}

}  // namespace
}  // namespace lens::cli
