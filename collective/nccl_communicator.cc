#include "collective/nccl_communicator.h"

#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <exception>
#include <utility>

#include "collective/carrier.h"

namespace lens::collective {
namespace {

// Between two looks of the watch at the device.
constexpr std::chrono::milliseconds kLook{20};

std::string told(const std::string& why) {
  return "the ranks cannot go on together (" + why +
         "); see what the other ranks said last";
}

}  // namespace

NcclCommunicator::NcclCommunicator(const NcclLibrary& nccl,
                                   const ncclUniqueId& id, int rank, int size,
                                   at::Device device,
                                   std::chrono::milliseconds deadline)
    : nccl_(nccl), device_(device), deadline_(deadline) {
  const c10::DeviceGuard guard(device_);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  std::unique_lock lock(mutex_);
  ncclResult_t result =
      nccl_.init_rank(&communicator_, size, id, rank, &config);
  if (result == ncclInProgress) result = await_host_side();
  if (result != ncclSuccess) {
    give_up(result == ncclInProgress
                ? "NCCL has not started within the deadline"
                : std::string("NCCL says: ") + nccl_.error_string(result));
    throw CollectiveError(
        "the ranks cannot start together (" + broken_ +
        "); see what NCCL_DEBUG=WARN prints, or try NCCL_NVLS_ENABLE=0");
  }
  lock.unlock();
  watcher_ = std::thread([this] { watch(); });
}

NcclCommunicator::~NcclCommunicator() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  changed_.notify_all();
  watcher_.join();
  const c10::DeviceGuard guard(device_);
  const std::lock_guard lock(mutex_);
  if (!communicator_) return;
  ncclResult_t result = nccl_.finalize(communicator_);
  if (result == ncclInProgress) result = await_host_side();
  // Destroying what others have not left would wait for them.
  if (result == ncclSuccess) {
    nccl_.destroy(communicator_);
  } else {
    nccl_.abort(communicator_);
  }
}

void NcclCommunicator::group(
    const std::function<void(ncclComm_t, cudaStream_t)>& calls) {
  const c10::DeviceGuard guard(device_);
  const std::lock_guard lock(mutex_);
  expect_communicator();
  const c10::Stream on = stream();
  try {
    check(nccl_.group_start());
    std::exception_ptr problem;
    try {
      calls(communicator_, static_cast<cudaStream_t>(on.native_handle()));
    } catch (const CollectiveError&) {
      problem = std::current_exception();
    }
    // A group is ended in any case: giving up within one would be put off.
    ncclResult_t result = nccl_.group_end();
    if (problem) std::rethrow_exception(problem);
    if (result == ncclInProgress) result = await_host_side();
    if (result == ncclInProgress)
      throw CollectiveError(
          told("NCCL has not taken a call within the deadline"));
    check(result);
  } catch (const CollectiveError& error) {
    give_up(error.what());
    throw;
  }
  Asked asked{c10::Event(device_.type()), Clock::now()};
  asked.done.record(on);
  asked_.push_back(std::move(asked));
  changed_.notify_all();
}

// A call that is not done when it returns is no failure: the end of the group
// says what became of it.
void NcclCommunicator::check(ncclResult_t result) const {
  if (result == ncclSuccess || result == ncclInProgress) return;
  throw CollectiveError(
      told(std::string("NCCL says: ") + nccl_.error_string(result)));
}

void NcclCommunicator::settle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return asked_.empty(); });
  expect_communicator();
}

void NcclCommunicator::expect_whole() {
  const std::lock_guard lock(mutex_);
  expect_communicator();
}

// Through libtorch's registry of devices: this program must link where
// libtorch has no CUDA half.
c10::Stream NcclCommunicator::stream() const {
  return c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
}

void NcclCommunicator::expect_communicator() const {
  if (!communicator_) throw_broken(broken_);
}

// Ends what runs on the device: who waits for the stream goes on.
void NcclCommunicator::give_up(const std::string& why) {
  broken_ = why;
  if (communicator_) nccl_.abort(communicator_);
  communicator_ = nullptr;
  asked_.clear();
  changed_.notify_all();
}

// NCCL's own threads finish what a call has begun. Gives ncclInProgress where
// the deadline is over.
ncclResult_t NcclCommunicator::await_host_side() {
  const auto end = Clock::now() + deadline_;
  ncclResult_t state = ncclInProgress;
  while (state == ncclInProgress && Clock::now() < end) {
    const ncclResult_t asked = nccl_.get_async_error(communicator_, &state);
    if (asked != ncclSuccess) return asked;
    if (state == ncclInProgress) std::this_thread::yield();
  }
  return state;
}

// Takes away what the device has done. Gives up where it will not do the rest.
void NcclCommunicator::look() {
  try {
    while (!asked_.empty() && asked_.front().done.query()) asked_.pop_front();
  } catch (const std::exception& error) {  // of the device, not of NCCL
    return give_up(error.what());
  }
  if (asked_.empty()) return changed_.notify_all();
  ncclResult_t state = ncclSuccess;
  nccl_.get_async_error(communicator_, &state);
  if (state != ncclSuccess && state != ncclInProgress) {
    give_up(std::string("NCCL says: ") + nccl_.error_string(state));
  } else if (Clock::now() - asked_.front().when > deadline_) {
    give_up("a rank has not taken its part within the deadline");
  }
}

void NcclCommunicator::watch() {
  const c10::DeviceGuard guard(device_);
  std::unique_lock lock(mutex_);
  while (!leaving_) {
    changed_.wait(lock, [this] { return leaving_ || !asked_.empty(); });
    look();
    if (asked_.empty()) continue;
    changed_.wait_for(lock, kLook, [this] { return leaving_; });
  }
}

}  // namespace lens::collective
