#include "worker/mpi.h"

// The C++ bindings of MPI 2 are dead weight that needs a library of its own.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include "base/error.h"
#include "base/program_folder.h"

namespace lens::worker {
namespace {

// What mpirun and srun (with a PMI plugin) put into the environment of a rank.
bool started_by_launcher() {
  for (const char* name :
       {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"}) {
    if (std::getenv(name)) return true;
  }
  return false;
}

// Open MPI opens its components by name, in the folders that it was built for.
// In an archive of scripts/package.sh it is told where they are; lens-mpirun
// says the same, srun does not.
void find_own_mpi() {
  const std::filesystem::path prefix =
      program_folder().parent_path() / "lib/openmpi";
  if (!std::filesystem::exists(prefix)) return;
  const auto set = [&](const char* name, const char* folder) {
    ::setenv(name, (prefix / folder).c_str(), /*replace=*/0);
  };
  ::setenv("OPAL_PREFIX", prefix.c_str(), 0);
  ::setenv("PMIX_INSTALL_PREFIX", prefix.c_str(), 0);
  set("OPAL_LIBDIR", "lib");
  set("OPAL_PKGLIBDIR", "lib/openmpi");
  set("OPAL_PKGDATADIR", "share/openmpi");
  set("OPAL_SYSCONFDIR", "etc");
}

}  // namespace

MpiWorld::MpiWorld()
    : exceptions_(std::uncaught_exceptions()), active_(started_by_launcher()) {
  if (!active_) return;
  find_own_mpi();
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  // Only this thread calls MPI, but it is not the only one.
  if (provided < MPI_THREAD_FUNNELED)
    throw InputError("cannot use this MPI library", "it does not bear threads",
                     "install one with MPI_THREAD_FUNNELED, such as Open MPI");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  MPI_Comm host = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_,
                      MPI_INFO_NULL, &host);
  MPI_Comm_rank(host, &local_rank_);
  MPI_Comm_size(host, &local_size_);
  MPI_Comm_free(&host);
}

MpiWorld::~MpiWorld() {
  // Finalizing waits for the other ranks. After an error that may be for ever,
  // since they do not know of it; the launcher ends them when it sees this
  // process go without.
  if (active_ && std::uncaught_exceptions() == exceptions_) MPI_Finalize();
}

std::string MpiWorld::broadcast(std::string text) const {
  if (!active_) return text;
  std::uint64_t length = text.size();
  MPI_Bcast(&length, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
  text.resize(length);
  // A count is an int: a manifest may be larger than one message.
  constexpr std::uint64_t kPiece = 1 << 30;
  for (std::uint64_t begin = 0; begin < length; begin += kPiece) {
    const auto count = static_cast<int>(std::min(kPiece, length - begin));
    MPI_Bcast(text.data() + begin, count, MPI_CHAR, 0, MPI_COMM_WORLD);
  }
  return text;
}

}  // namespace lens::worker
