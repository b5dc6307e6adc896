#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lens::cli {

// The programs of a local run.
struct RunTools {
  std::filesystem::path coordinator;
  std::filesystem::path worker;
  std::filesystem::path mpirun;  // empty: none is installed

  // Those beside this program, and mpirun from PATH.
  static RunTools find();
};

// The processes of a local run's world.
struct WorldSize {
  int workers = 1;
  int ranks = 1;  // of each, which share a model

  int processes() const { return workers * ranks; }
};

// One process is started by itself and needs nothing but itself; several by
// mpirun.
std::vector<std::string> worker_command(
    const RunTools& tools, const WorldSize& world,
    const std::filesystem::path& run_directory);

// What keeps mpirun from starting several processes here, before it says so in
// words of its own half a minute later. Does nothing for one. `log` is written
// meanwhile and removed. Throws lens::InputError.
void check_launcher(const RunTools& tools, const WorldSize& world,
                    const std::filesystem::path& log);

// Where mpirun keeps the files of its session, as it chooses it itself.
struct SessionFolder {
  std::string variable;  // that names it, such as TMPDIR; empty: none does
  std::filesystem::path path;
  std::string problem;  // why it cannot be used; empty: it can

  // "TMPDIR=/scratch", "/tmp".
  std::string text() const;
};
SessionFolder session_folder();

// The beginnings of the variables by which an outer launcher, one that has
// started this very process, tells its ranks who they are: a worker that
// inherited them would take itself for one of those. Empty where there is none.
std::vector<std::string> launcher_variables();

}  // namespace lens::cli
