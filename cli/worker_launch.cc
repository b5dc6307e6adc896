#include "cli/worker_launch.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "base/error.h"
#include "base/program_folder.h"
#include "cli/child_process.h"
#include "cli/last_words.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kVersionPatience = 15s;

// "" where files can be made in it.
std::string folder_problem(const fs::path& folder) {
  struct stat info;
  if (stat(folder.c_str(), &info) != 0) return std::strerror(errno);
  if (!S_ISDIR(info.st_mode)) return std::strerror(ENOTDIR);
  if (access(folder.c_str(), W_OK | X_OK) != 0) return std::strerror(errno);
  struct statvfs space;
  if (statvfs(folder.c_str(), &space) == 0 && space.f_blocks > 0 &&
      space.f_bavail == 0)
    return std::strerror(ENOSPC);
  return "";
}

[[noreturn]] void cannot_start(const WorldSize& world, const std::string& why,
                               const std::string& remedy) {
  if (world.ranks > 1)
    throw InputError(
        fmt::format("cannot start {} ranks", world.processes()), why,
        remedy + ", or take a model that needs no --tensor-parallel");
  throw InputError(fmt::format("cannot start {} workers", world.workers), why,
                   remedy + ", or give --workers 1");
}

}  // namespace

RunTools RunTools::find() {
  const fs::path folder = program_folder();
  // An archive of scripts/package.sh brings an Open MPI that fits the worker.
  const fs::path own = folder / "lens-mpirun";
  return {.coordinator = folder / "lens-coordinator",
          .worker = folder / "lens-worker",
          .mpirun = fs::exists(own) ? own : find_in_path("mpirun")};
}

std::vector<std::string> worker_command(const RunTools& tools,
                                        const WorldSize& world,
                                        const fs::path& run_directory) {
  if (world.processes() == 1) return {tools.worker, run_directory};
  // Open MPI would give each rank one core, and refuse more ranks than cores:
  // where threads run, and how many, is decided here.
  std::vector<std::string> command = {tools.mpirun};
  if (geteuid() == 0) command.emplace_back("--allow-run-as-root");
  for (const std::string& word :
       {std::string("--oversubscribe"), std::string("--bind-to"),
        std::string("none"), std::string("-n"),
        std::to_string(world.processes()), tools.worker.string(),
        run_directory.string()})
    command.push_back(word);
  return command;
}

void check_launcher(const RunTools& tools, const WorldSize& world,
                    const fs::path& log) {
  if (world.processes() == 1) return;
  if (tools.mpirun.empty())
    cannot_start(world, "mpirun is not installed", "install Open MPI");
  const SessionFolder folder = session_folder();
  if (!folder.problem.empty())
    cannot_start(world,
                 "mpirun needs a folder for its files; " + folder.text() +
                     ": " + folder.problem,
                 "set TMPDIR to a folder that can be written");
  std::error_code ignored;
  fs::remove(log, ignored);
  const auto exit = run_to_end({.command = {tools.mpirun, "--version"},
                                .log = log,
                                .environment = {},
                                .without = launcher_variables()},
                               kVersionPatience);
  const std::string words = last_line(last_lines(log, 1));
  fs::remove(log, ignored);
  if (exit && exit->clean()) return;
  cannot_start(world,
               tools.mpirun.string() + " --version: " +
                   (exit ? exit->text() : "no answer in 15 s") +
                   (words.empty() ? "" : ": " + words),
               "correct the MPI installation");
}

std::string SessionFolder::text() const {
  return (variable.empty() ? "" : variable + "=") + path.string();
}

SessionFolder session_folder() {
  SessionFolder folder{.variable = "", .path = "/tmp", .problem = ""};
  for (const char* name : {"TMPDIR", "TEMP", "TMP"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    folder.variable = name;
    folder.path = value;
    break;
  }
  folder.problem = folder_problem(folder.path);
  return folder;
}

std::vector<std::string> launcher_variables() {
  const auto names = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK",
                      "PMI_SIZE"};
  if (std::none_of(names.begin(), names.end(),
                   [](const char* name) { return std::getenv(name); }))
    return {};
  return {"OMPI_", "PMIX_", "PMI_", "PRTE_", "ORTE_", "OPAL_"};
}

}  // namespace lens::cli
