#pragma once

#include <signal.h>

#include <array>

namespace lens {

// Signals that ask a job to end: by hand, by a manager, and by Slurm some time
// before the limit (--signal=USR1).
inline constexpr std::array kEndSignals = {SIGINT, SIGTERM, SIGUSR1};

// The same where a terminal may go away as well.
inline constexpr std::array kTerminalEndSignals = {SIGINT, SIGTERM, SIGUSR1,
                                                   SIGHUP};

// kEndSignals, to be blocked and waited for.
inline sigset_t end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : kEndSignals) sigaddset(&signals, number);
  return signals;
}

}  // namespace lens
