#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <string>

#include "collective/collective.h"

namespace lens::collective {

// Carries over NCCL what lies in the memory of `device`, on the stream that
// torch works on, and over `host` what lies in host memory: all ranks of `host`
// make one, each with a GPU of its own, before they load weights. `host` also
// carries the start: the id of rank 0, and what each rank has met, so that all
// of them throw where one cannot start.
//
// Values are there when the stream comes to them. A call that the device has
// not ended within the deadline after it was asked for is given up by a thread
// that watches: what the stream holds is of no use then, and the next call
// throws.
//
// NCCL is opened when this is called: by the name that the CUDA half of
// libtorch has opened already, or another path to it. Throws lens::InputError
// on all ranks where one has no such library, one of another major version than
// this program was built for, or no GPU; CollectiveError where the start fails.
std::unique_ptr<Collective> nccl_collective(
    std::shared_ptr<Collective> host, at::Device device,
    const Carriage& carriage = {}, const std::string& library = "libnccl.so.2");

}  // namespace lens::collective
