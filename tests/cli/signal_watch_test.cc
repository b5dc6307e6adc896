#include "cli/signal_watch.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>

#include "cli/child_process.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

constexpr std::array kAll = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};

// Ignores a signal as nohup does, for the time of a test.
class Ignored {
 public:
  explicit Ignored(int number) : number_(number) {
    former_ = signal(number, SIG_IGN);
  }
  ~Ignored() { signal(number_, former_); }
  Ignored(const Ignored&) = delete;
  Ignored& operator=(const Ignored&) = delete;

 private:
  int number_;
  void (*former_)(int);
};

TEST(SignalWatch, CountsWhatAsksToStop) {
  // Whoever runs the tests may ignore some.
  for (const int number : kAll) signal(number, SIG_DFL);
  SignalWatch signals;
  signals.watch();
  for (const int number : kAll) raise(number);
  EXPECT_EQ(signals.count(), 4);
}

TEST(SignalWatch, WhatWasIgnoredOnEntryStaysIgnored) {
  const Ignored hangup(SIGHUP);
  const Ignored interrupt(SIGINT);
  {
    SignalWatch signals;
    signals.watch();
    raise(SIGHUP);
    raise(SIGINT);
    EXPECT_EQ(signals.count(), 0);
    raise(SIGTERM);
    EXPECT_EQ(signals.count(), 1);
  }
  EXPECT_EQ(signal(SIGHUP, SIG_IGN), SIG_IGN) << "as it was";
}

TEST(SignalWatch, ChildrenIgnoreItTooAndNothingElse) {
  const Ignored hangup(SIGHUP);
  const ScratchFolder folder;
  SignalWatch signals;
  signals.watch();
  const auto survives = [&](const std::string& name) {
    const auto exit = run_to_end(
        {.command = {"/bin/sh", "-c", "kill -" + name + " $$; exit 7"},
         .log = folder / "log",
         .environment = {}},
        std::chrono::seconds(20));
    return exit && exit->code == 7;
  };
  EXPECT_TRUE(survives("HUP"));
  for (const char* name : {"TERM", "USR1", "PIPE"})
    EXPECT_FALSE(survives(name)) << name;
}

}  // namespace
}  // namespace lens::cli
