#include "worker/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <fstream>

#include "worker/error.h"

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

// libtorch_cuda.so lies beside libtorch_cpu.so and registers itself with ATen
// when it is loaded.
void load_cuda_half() {
  if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) {
    throw InputError("cannot use a GPU", dlerror(),
                     "install the CUDA libraries of libtorch, or give "
                     "--device cpu");
  }
}

// The name that the driver gives a GPU. The driver's library is loaded by name:
// this program must start where there is none.
std::string gpu_name(int index) {
  using GetDevice = int (*)(int*, int);
  using GetName = int (*)(char*, int, int);
  void* driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (!driver) return "GPU";
  const auto get_device =
      reinterpret_cast<GetDevice>(dlsym(driver, "cuDeviceGet"));
  const auto get_name =
      reinterpret_cast<GetName>(dlsym(driver, "cuDeviceGetName"));
  int device = 0;
  char name[256] = "GPU";
  if (get_device && get_name && get_device(&device, index) == 0) {
    get_name(name, sizeof(name), device);
  }
  return name;
}

}  // namespace

Device Device::open(const std::string& kind, int local_rank, int threads) {
  at::set_num_threads(threads);
  // One unit at a time: parallel graph branches have nothing to run.
  at::set_num_interop_threads(1);
  if (kind == "cpu") return {"cpu", processor_name()};
  load_cuda_half();
  const auto& hooks = at::detail::getCUDAHooks();
  const int count = hooks.hasCUDA() ? hooks.deviceCount() : 0;
  if (count == 0) {
    throw InputError("cannot use a GPU",
                     "the driver shows none to this process",
                     "check nvidia-smi, or give --device cpu");
  }
  const int index = local_rank % count;
  hooks.init();
  // Products of float32 stay float32.
  at::globalContext().setAllowTF32CuBLAS(false);
  return {"cuda:" + std::to_string(index), gpu_name(index)};
}

}  // namespace lens::worker
