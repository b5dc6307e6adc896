#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace lens::proto {

// Notices calls that do not return. gRPC keeps deadlines by threads of its own:
// where the system refuses it one, a call may wait for ever. Thread-safe.
class CallWatch {
 public:
  using Stuck = std::function<void(const std::string& line)>;

  // `stuck` is called from another thread, for each call that has not returned
  // `grace` after its limit. Time in which this process is stopped does not
  // count. Empty: nobody watches. Throws std::system_error where there is no
  // thread.
  CallWatch(Stuck stuck, std::chrono::milliseconds grace,
            std::chrono::milliseconds tick = std::chrono::seconds(1));
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  // One call, for as long as it lives.
  class Call {
   public:
    Call(CallWatch& watch, std::chrono::milliseconds limit);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    CallWatch& watch_;
    std::list<std::chrono::milliseconds>::iterator left_;
  };

 private:
  void run(const std::stop_token& stop);

  const Stuck stuck_;
  const std::chrono::milliseconds grace_;
  const std::chrono::milliseconds tick_;
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::list<std::chrono::milliseconds>
      left_;  // of each call; guarded by mutex_
  std::jthread thread_;
};

}  // namespace lens::proto
