#pragma once

#include <mpi.h>

#include <memory>

#include "collective/collective.h"

namespace lens::collective {

// Carries over MPI what lies in host memory. All ranks of `ranks` make one, and
// nobody else uses that communicator until the last of them is gone; its errors
// are returned from then on instead of ending the process. Calls come from the
// thread that may call MPI.
//
// Nothing here waits for a rank that is gone, the destructor least of all. But
// MPI_Finalize does: after a CollectiveError end the process by MPI_Abort, or
// without MPI.
std::unique_ptr<Collective> mpi_collective(MPI_Comm ranks,
                                           const Carriage& carriage = {});

}  // namespace lens::collective
