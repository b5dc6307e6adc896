#include "model/cuda/gpus.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include "base/error.h"

namespace lens::model::cuda {

int open_gpus() {
  // Never closed: it has registered its kernels with libtorch for good.
  if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) {
    throw InputError("cannot use a GPU", dlerror(),
                     "install the CUDA libraries of libtorch, or give "
                     "--device cpu");
  }
  const auto& hooks = at::detail::getCUDAHooks();
  const int count = hooks.hasCUDA() ? hooks.deviceCount() : 0;
  if (count == 0) {
    throw InputError("cannot use a GPU",
                     "the driver shows none to this process",
                     "check nvidia-smi, or give --device cpu");
  }
  hooks.init();
  // float32 products are float32, and sums of bfloat16 products until their
  // end: both switches would buy speed with digits.
  at::globalContext().setAllowTF32CuBLAS(false);
  at::globalContext().setAllowBF16ReductionCuBLAS(false);
  return count;
}

}  // namespace lens::model::cuda
