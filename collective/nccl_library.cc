#include "collective/nccl_library.h"

#include <dlfcn.h>

#include "base/error.h"

namespace lens::collective {
namespace {

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (!function) {
    throw InputError("cannot use NCCL", std::string("it has no ") + name,
                     "install the version of scripts/requirements-cuda.txt");
  }
}

// From 2.9 on 10000 a major version, before that 1000.
int major_of(int version) {
  return version < 10000 ? version / 1000 : version / 10000;
}

}  // namespace

NcclLibrary NcclLibrary::open(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    throw InputError("cannot use NCCL", dlerror(),
                     "install the packages of scripts/requirements-cuda.txt");
  }
  NcclLibrary nccl{};
  find(library, "ncclGetVersion", nccl.get_version);
  int version = 0;
  nccl.get_version(&version);
  if (major_of(version) != NCCL_MAJOR) {
    throw InputError(
        "cannot use NCCL",
        path + " is of version " + std::to_string(major_of(version)) +
            ", this program was built for " + std::to_string(NCCL_MAJOR),
        "install the version of scripts/requirements-cuda.txt");
  }
  find(library, "ncclGetUniqueId", nccl.get_unique_id);
  find(library, "ncclCommInitRankConfig", nccl.init_rank);
  find(library, "ncclCommGetAsyncError", nccl.get_async_error);
  find(library, "ncclCommFinalize", nccl.finalize);
  find(library, "ncclCommDestroy", nccl.destroy);
  find(library, "ncclCommAbort", nccl.abort);
  find(library, "ncclGetErrorString", nccl.error_string);
  find(library, "ncclGroupStart", nccl.group_start);
  find(library, "ncclGroupEnd", nccl.group_end);
  find(library, "ncclSend", nccl.send);
  find(library, "ncclRecv", nccl.receive);
  find(library, "ncclBroadcast", nccl.broadcast);
  find(library, "ncclAllGather", nccl.all_gather);
  return nccl;
}

}  // namespace lens::collective
