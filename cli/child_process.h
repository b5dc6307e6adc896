#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lens::cli {

struct ChildOptions {
  std::vector<std::string> command;  // program (a path, or found in PATH)
  std::filesystem::path log;         // stdout and stderr are appended here
  // Added to our own environment; an empty value removes the variable.
  std::vector<std::pair<std::string, std::string>> environment;
  // Variables that start with one of these are not handed on.
  std::vector<std::string> without = {};
};

// How a child ended.
struct ChildExit {
  int code = 0;    // exit status, or 128 + signal
  int signal = 0;  // 0 where it exited by itself
  // Its status was lost, because something else in this process took it.
  bool unseen = false;

  bool clean() const { return code == 0; }
  // "exit 1", "killed by signal 9 (Killed)", "its exit was not seen".
  std::string text() const;
};

// A child in a process group of its own, so that a key typed at the terminal
// reaches us alone. It gets SIGTERM when the thread that started it ends, and
// the destructor kills what is left of its group: no orphan stays behind.
// Not thread-safe; to be used on the thread that lives longest.
class ChildProcess {
 public:
  // Throws lens::InputError when the program cannot be started.
  explicit ChildProcess(const ChildOptions& options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  // Set once the child has ended; asks the system at each call.
  std::optional<ChildExit> poll();
  bool running() { return !poll().has_value(); }
  // To the whole group; nothing once the child has ended.
  void signal(int number);
  // SIGTERM, then SIGKILL to the group after `patience`.
  ChildExit stop(std::chrono::milliseconds patience);

 private:
  pid_t pid_ = -1;
  std::optional<ChildExit> exit_;
};

// Runs a command to its end; nothing where it takes longer than `patience`: it
// is killed then. Throws as ChildProcess.
std::optional<ChildExit> run_to_end(const ChildOptions& options,
                                    std::chrono::milliseconds patience);

// Makes this process the parent of orphans below it, so that
// kill_descendants() finds them.
void adopt_orphans();

// SIGTERM, then SIGKILL after `patience`, to every process below this one
// (children of children too), and reaps them. What a ChildProcess holds is left
// to that.
void kill_descendants(std::chrono::milliseconds patience);

// Full path of a program in PATH, or empty.
std::filesystem::path find_in_path(const std::string& program);

}  // namespace lens::cli
