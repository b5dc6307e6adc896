#include "cli/signal_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "base/end_signals.h"
#include "base/exit_code.h"

namespace lens::cli {
namespace {

constexpr auto& kSignals = kTerminalEndSignals;

// Reached from the handler: lock-free atomics only.
std::atomic<int> signal_count = 0;
std::atomic<bool> counting = false;
std::array<int, 2> wake_pipe = {-1, -1};
std::array<struct sigaction, kSignals.size()> previous;
struct sigaction previous_pipe;

void write_all(int descriptor, const char* text, std::size_t length) {
  [[maybe_unused]] const ssize_t written = write(descriptor, text, length);
}

void handle(int) {
  const int saved = errno;
  if (!counting) {
    constexpr char kMessage[] =
        "\nlens: stopped while planning; run the same command again\n";
    write_all(STDERR_FILENO, kMessage, sizeof kMessage - 1);
    _exit(kExitResumable);
  }
  ++signal_count;
  write_all(wake_pipe[1], "s", 1);
  errno = saved;
}

}  // namespace

SignalWatch::SignalWatch() {
  signal_count = 0;
  counting = false;
  // Not blocking: a full pipe wakes as well, and the handler must not wait.
  if (pipe2(wake_pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    wake_pipe = {-1, -1};
  struct sigaction action {};
  action.sa_handler = handle;
  // What is being read or written when a signal comes goes on.
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &previous[i]);
    if (previous[i].sa_handler != SIG_IGN)
      sigaction(kSignals[i], &action, nullptr);
  }
  // A closed pipe behind stdout must not end a run without a drain.
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, &previous_pipe);
}

SignalWatch::~SignalWatch() {
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    sigaction(kSignals[i], &previous[i], nullptr);
  sigaction(SIGPIPE, &previous_pipe, nullptr);
  for (int& descriptor : wake_pipe) {
    if (descriptor >= 0) close(descriptor);
    descriptor = -1;
  }
}

void SignalWatch::watch() { counting = true; }

int SignalWatch::count() const { return signal_count; }

void SignalWatch::wait_for(std::chrono::milliseconds time) {
  pollfd ready{.fd = wake_pipe[0], .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, static_cast<int>(time.count())) <= 0) return;
  char drained[64];
  while (read(wake_pipe[0], drained, sizeof drained) > 0) continue;
}

}  // namespace lens::cli
