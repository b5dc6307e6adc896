#include "worker/ranks.h"

#include <mpi.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "collective/mpi_collective.h"
#include "collective/nccl_collective.h"
#include "worker/mpi.h"

namespace lens::worker {

Ranks::Ranks(const MpiWorld& world, int size) : world_(world), size_(size) {
  if (world.size() % size == 0) return;
  const std::string ranks = std::to_string(size);
  throw InputError(
      "cannot start " + std::to_string(world.size()) + " of these processes",
      "the run was planned with --tensor-parallel " + ranks + ": every " +
          ranks + " share a model",
      "start a multiple of " + ranks + " by mpirun -n or srun -n");
}

int Ranks::rank() const { return world_.rank() % size_; }

std::shared_ptr<collective::Collective> Ranks::connect(
    const std::string& device) const {
  if (size_ == 1) return collective::one_process();
  // Lives as long as MPI does.
  MPI_Comm replica = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, world_.rank() / size_, world_.rank(),
                 &replica);
  std::shared_ptr<collective::Collective> host =
      collective::mpi_collective(replica);
  const at::Device where(device);
  if (where.is_cpu()) return host;
  return collective::nccl_collective(std::move(host), where);
}

}  // namespace lens::worker
