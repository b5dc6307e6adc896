#include "proto/client/call_watch.h"

#include <utility>

namespace lens::proto {

CallWatch::CallWatch(Stuck stuck, std::chrono::milliseconds grace,
                     std::chrono::milliseconds tick)
    : stuck_(std::move(stuck)), grace_(grace), tick_(tick) {
  if (!stuck_) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

CallWatch::~CallWatch() = default;

CallWatch::Call::Call(CallWatch& watch, std::chrono::milliseconds limit)
    : watch_(watch) {
  const std::lock_guard lock(watch_.mutex_);
  left_ = watch_.left_.insert(watch_.left_.end(), limit + watch_.grace_);
}

CallWatch::Call::~Call() {
  const std::lock_guard lock(watch_.mutex_);
  watch_.left_.erase(left_);
}

void CallWatch::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, stop, tick_,
                          [&stop] { return stop.stop_requested(); })) {
    for (std::chrono::milliseconds& left : left_) {
      // Told once: the count goes on below zero.
      const bool waited_for = left.count() > 0;
      // By ticks of this thread and not by the clock, which goes on while the
      // process is stopped.
      left -= tick_;
      if (waited_for && left.count() <= 0) {
        stuck_(
            "a call to the coordinator does not end, nor does gRPC end it; "
            "see `ulimit -a` for a limit of threads or memory that is too "
            "low");
      }
    }
  }
}

}  // namespace lens::proto
