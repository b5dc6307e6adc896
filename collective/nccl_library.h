#pragma once

#include <nccl.h>

#include <string>

namespace lens::collective {

// The functions of NCCL, found when the library is opened: a program that names
// them itself would not start on a machine without it.
struct NcclLibrary {
  decltype(&::ncclGetVersion) get_version;
  decltype(&::ncclGetUniqueId) get_unique_id;
  decltype(&::ncclCommInitRankConfig) init_rank;
  decltype(&::ncclCommGetAsyncError) get_async_error;
  decltype(&::ncclCommFinalize) finalize;
  decltype(&::ncclCommDestroy) destroy;
  decltype(&::ncclCommAbort) abort;
  decltype(&::ncclGetErrorString) error_string;
  decltype(&::ncclGroupStart) group_start;
  decltype(&::ncclGroupEnd) group_end;
  decltype(&::ncclSend) send;
  decltype(&::ncclRecv) receive;
  decltype(&::ncclBroadcast) broadcast;
  decltype(&::ncclAllGather) all_gather;

  // Never closed. Throws lens::InputError where there is none at `path`, or one
  // of another major version than nccl.h.
  static NcclLibrary open(const std::string& path);
};

}  // namespace lens::collective
