#pragma once

#include <filesystem>
#include <functional>
#include <span>

namespace lens::cli {

// Runs `body`, a command that reads the results at `paths`, in a child process
// and returns its exit code: a damaged file may crash the HDF5 library, keep it
// busy without end or make it claim all memory (storage/guard.h), and the
// command then ends with one line and kExitError. Standard input, output and
// std::cerr are those of this process; descriptor 2 of the child leads nowhere.
// Called before other threads are started. `body` does not throw.
//
// A signal that ended the child ends this process, too, where it is one that
// users and pipes send. Throws StorageError where no child can be
// made, or for what the child died of.
int run_guarded_command(std::span<const std::filesystem::path> paths,
                        const std::function<int()>& body);

}  // namespace lens::cli
