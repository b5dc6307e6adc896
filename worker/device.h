#pragma once

#include <string>

namespace lens::worker {

// The device one worker computes on.
struct Device {
  std::string torch_name;  // "cpu" or "cuda:0"
  std::string name;        // of the hardware, for the results

  // kind "cpu" or "cuda"; a worker takes GPU local_rank modulo the GPUs it
  // sees. The CUDA half of libtorch is loaded here, so that one program serves
  // machines with and without a GPU. Sets the number of compute threads of this
  // process. Throws lens::InputError when no GPU can be used.
  static Device open(const std::string& kind, int local_rank, int threads);
};

}  // namespace lens::worker
