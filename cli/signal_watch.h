#pragma once

#include <chrono>

namespace lens::cli {

// Turns SIGINT, SIGTERM, SIGUSR1 and SIGHUP into a count. One per process;
// restores what was before in the destructor. A signal that was ignored on
// entry stays ignored, here and in the children: `nohup` asks for that, and a
// shell that starts a job in the background.
//
// Until watch() is called the signals end the process at once with
// kExitResumable: planning leaves nothing behind that matters.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // From now on signals are counted.
  void watch();
  int count() const;
  // Sleeps, but not on when a signal comes.
  void wait_for(std::chrono::milliseconds time);
};

}  // namespace lens::cli
