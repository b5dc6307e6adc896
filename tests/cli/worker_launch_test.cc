#include "cli/worker_launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <optional>

#include "base/error.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

// A variable of the environment for the time of a test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* former = std::getenv(name)) former_ = former;
    setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (former_)
      setenv(name_, former_->c_str(), 1);
    else
      unsetenv(name_);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> former_;
};

class WorkerLaunchTest : public testing::Test {
 protected:
  std::string refusal(int workers, int ranks = 1) {
    try {
      check_launcher(tools_, {workers, ranks}, folder_ / "log");
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }
  fs::path program(const std::string& script) {
    const fs::path file = folder_ / "mpirun";
    std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
    chmod(file.c_str(), 0755);
    return file;
  }

  ScratchFolder folder_;
  RunTools tools_{.coordinator = "/bin/true",
                  .worker = "/bin/true",
                  .mpirun = program("exit 0")};
};

TEST_F(WorkerLaunchTest, OneWorkerNeedsNothingButItself) {
  const Variable folder("TMPDIR", "/no/such/folder");
  tools_.mpirun = "/no/mpirun";
  EXPECT_EQ(refusal(1), "");
  EXPECT_THAT(worker_command(tools_, {}, "/run"),
              ElementsAre("/bin/true", "/run"));
}

TEST_F(WorkerLaunchTest, RanksThatShareAModelAreStartedTogether) {
  EXPECT_THAT(worker_command(tools_, {.workers = 3, .ranks = 2}, "/run"),
              IsSupersetOf({"-n", "6", "/bin/true", "/run"}));
  tools_.mpirun.clear();
  EXPECT_EQ(refusal(1, 4),
            "cannot start 4 ranks (mpirun is not installed); install Open MPI, "
            "or take a model that needs no --tensor-parallel");
}

TEST_F(WorkerLaunchTest, SeveralNeedAFolderForTheirLauncherAndAreToldItsName) {
  {
    const Variable folder("TMPDIR", folder_.path().string());
    EXPECT_EQ(refusal(2), "");
  }
  const Variable folder("TMPDIR", "/no/such/folder");
  EXPECT_THAT(refusal(2), HasSubstr("TMPDIR=/no/such/folder: No such file"));
  EXPECT_THAT(refusal(2), HasSubstr("--workers 1"));
}

TEST_F(WorkerLaunchTest, LauncherThatDoesNotStartIsQuoted) {
  tools_.mpirun = program("echo no libmpi >&2; exit 127");
  EXPECT_THAT(refusal(2), HasSubstr("exit 127: no libmpi"));
  tools_.mpirun.clear();
  EXPECT_THAT(refusal(2), HasSubstr("mpirun is not installed"));
  EXPECT_FALSE(fs::exists(folder_ / "log"));
}

TEST_F(WorkerLaunchTest, VariablesOfAnOuterLauncherAreNamed) {
  EXPECT_THAT(launcher_variables(), IsEmpty());
  const Variable rank("PMIX_RANK", "0");
  EXPECT_THAT(launcher_variables(), Contains("OMPI_"));
  EXPECT_THAT(launcher_variables(), Contains("PMIX_"));
}

}  // namespace
}  // namespace lens::cli
