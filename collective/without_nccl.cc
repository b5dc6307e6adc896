#include "base/error.h"
#include "collective/nccl_collective.h"

namespace lens::collective {

std::unique_ptr<Collective> nccl_collective(std::shared_ptr<Collective>,
                                            at::Device, const Carriage&,
                                            const std::string&) {
  throw InputError("cannot use NCCL", "this program was built without it",
                   "build it where nvcc and nccl.h are found");
}

}  // namespace lens::collective
