#pragma once

#include <functional>
#include <optional>
#include <string>

#include "worker/numa.h"

namespace lens::worker {

// The device one worker computes on.
struct Device {
  std::string torch_name;        // "cpu" or "cuda:0"
  std::string name;              // of the hardware, for the results
  std::optional<int> numa_node;  // that this process was put on

  // kind "cpu" or "cuda"; a worker takes GPU local_rank modulo the GPUs it
  // sees. The CUDA half of libtorch is loaded here, so that one program serves
  // machines with and without a GPU. Sets the number of compute threads of this
  // process, and where it stays on a machine of several NUMA nodes: call it
  // before threads are started. `place` says which worker of the host this is;
  // the node of its GPU is found here. Throws lens::InputError when no GPU can
  // be used.
  static Device open(const std::string& kind, RankPlace place);
};

// Calls `work` on each thread that the model's operations on the CPU run on,
// the calling one among them.
void on_engine_threads(const std::function<void()>& work);

}  // namespace lens::worker
