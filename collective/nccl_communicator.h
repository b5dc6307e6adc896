#pragma once

#include <c10/core/Device.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "collective/nccl_library.h"

namespace lens::collective {

// One rank's end of an NCCL communicator, and the thread that watches it.
class NcclCommunicator {
 public:
  // Meets the other ranks, who have the same id. Throws CollectiveError if that
  // fails or takes longer than `deadline`.
  NcclCommunicator(const NcclLibrary& nccl, const ncclUniqueId& id, int rank,
                   int size, at::Device device,
                   std::chrono::milliseconds deadline);
  // Waits for what was asked for at most for the deadline.
  ~NcclCommunicator();
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  // Puts onto torch's stream what `calls` asks of NCCL, as one group. Each of
  // its calls goes through check().
  void group(const std::function<void(ncclComm_t, cudaStream_t)>& calls);
  void check(ncclResult_t result) const;

  // Waits until the device has done all that was asked for. Throws where the
  // watch gave it up.
  void settle();

  // Throws CollectiveError where it was given up.
  void expect_whole();

 private:
  using Clock = std::chrono::steady_clock;
  struct Asked {
    c10::Event done;
    Clock::time_point when;
  };

  c10::Stream stream() const;
  void expect_communicator() const;  // mutex_ is held
  void give_up(const std::string&);  // mutex_ is held
  ncclResult_t await_host_side();    // mutex_ is held
  void look();                       // mutex_ is held
  void watch();

  const NcclLibrary nccl_;
  const at::Device device_;
  const std::chrono::milliseconds deadline_;

  std::mutex
      mutex_;  // guards all below: NCCL is called by one thread at a time
  std::condition_variable changed_;
  ncclComm_t communicator_ = nullptr;  // nullptr once it was given up
  std::deque<Asked> asked_;            // what the device has not ended yet
  std::string broken_;                 // why it was given up
  bool leaving_ = false;

  std::thread watcher_;
};

}  // namespace lens::collective
