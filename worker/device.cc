#include "worker/device.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <fstream>

#include "model/cuda/gpus.h"

namespace lens::worker {
namespace {

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "CPU";
}

struct Gpu {
  std::string name = "GPU";
  std::optional<int> numa_node;
};

// What the driver says of a GPU. Its library is loaded by name: this program
// must start where there is none.
Gpu describe_gpu(int index) {
  using GetDevice = int (*)(int*, int);
  using GetText = int (*)(char*, int, int);
  Gpu gpu;
  void* driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (!driver) return gpu;
  const auto get_device =
      reinterpret_cast<GetDevice>(dlsym(driver, "cuDeviceGet"));
  const auto get_name =
      reinterpret_cast<GetText>(dlsym(driver, "cuDeviceGetName"));
  const auto get_pci_id =
      reinterpret_cast<GetText>(dlsym(driver, "cuDeviceGetPCIBusId"));
  int device = 0;
  if (!get_device || get_device(&device, index) != 0) return gpu;
  char text[256] = "";
  if (get_name && get_name(text, sizeof(text), device) == 0) gpu.name = text;
  if (get_pci_id && get_pci_id(text, sizeof(text), device) == 0) {
    gpu.numa_node = node_of_pci_device(text);
  }
  return gpu;
}

std::optional<int> stay_on_one_node(const RankPlace& place) {
  const NodeCores cores = allowed_cores();
  const std::optional<int> node = node_of_rank(cores, place);
  if (node) stay_on(cores.at(*node));
  return node;
}

}  // namespace

Device Device::open(const std::string& kind, RankPlace place) {
  at::set_num_threads(place.threads);
  // One unit at a time: parallel graph branches have nothing to run.
  at::set_num_interop_threads(1);
  if (kind == "cpu") {
    return {"cpu", processor_name(), stay_on_one_node(place)};
  }
  const int count = model::cuda::open_gpus();
  const int index = place.local_rank % count;
  const Gpu gpu = describe_gpu(index);
  place.near_node = gpu.numa_node;
  return {"cuda:" + std::to_string(index), gpu.name, stay_on_one_node(place)};
}

void on_engine_threads(const std::function<void()>& work) {
  // One piece a thread.
  at::parallel_for(0, at::get_num_threads(), 1,
                   [&](std::int64_t, std::int64_t) { work(); });
}

}  // namespace lens::worker
