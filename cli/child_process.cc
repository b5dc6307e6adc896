#include "cli/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>
#include <system_error>
#include <thread>

#include "base/end_signals.h"
#include "base/error.h"
#include "base/process_id.h"

extern char** environ;

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kPollInterval = 10ms;
constexpr int kCannotStart = 127;

std::vector<std::string> make_environment(const ChildOptions& options) {
  std::vector<std::string> variables;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string variable = *at;
    bool replaced = std::any_of(
        options.without.begin(), options.without.end(),
        [&](const std::string& start) { return variable.starts_with(start); });
    for (const auto& [name, value] : options.environment)
      replaced |= variable.starts_with(name + "=");
    if (!replaced) variables.push_back(variable);
  }
  for (const auto& [name, value] : options.environment)
    if (!value.empty()) variables.push_back(name + "=" + value);
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(const char* program, char* const* arguments,
                         char* const* variables, int log, pid_t parent) {
  // What whoever started us wants to be ignored stays so; handlers are ours.
  for (const int number : kTerminalEndSignals) {
    struct sigaction action {};
    if (sigaction(number, nullptr, &action) == 0 &&
        action.sa_handler != SIG_IGN)
      ::signal(number, SIG_DFL);
  }
  for (const int number : {SIGPIPE, SIGCHLD}) ::signal(number, SIG_DFL);
  sigset_t none;
  // After the handlers: a signal that waits must not meet one of ours here.
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // The parent may have died before the line above.
  if (getppid() != parent) _exit(kCannotStart);
  const int input = open("/dev/null", O_RDONLY);
  if (input >= 0) dup2(input, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execve(program, arguments, variables);
  constexpr char kMessage[] = "cannot execute the program\n";
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(kCannotStart);
}

// The children whose status a ChildProcess waits for.
std::set<pid_t>& held_children() {
  static std::set<pid_t> pids;
  return pids;
}

ChildExit exit_of(int status) {
  if (WIFSIGNALED(status))
    return {.code = 128 + WTERMSIG(status), .signal = WTERMSIG(status)};
  return {.code = WEXITSTATUS(status)};
}

// 0 where the process is gone.
pid_t parent_of(pid_t pid) {
  constexpr int kParent = 4;
  return static_cast<pid_t>(stat_field(pid, kParent).value_or(0));
}

// Without those that a ChildProcess holds, and what is below them.
std::vector<pid_t> descendants() {
  std::vector<std::pair<pid_t, pid_t>> family;  // pid, parent
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0) family.emplace_back(pid, parent_of(pid));
  }
  std::vector<pid_t> found = {getpid()};
  for (std::size_t i = 0; i < found.size(); ++i)
    for (const auto& [pid, parent] : family)
      if (parent == found[i] && !held_children().contains(pid))
        found.push_back(pid);
  found.erase(found.begin());
  return found;
}

}  // namespace

std::string ChildExit::text() const {
  if (unseen) return "its exit was not seen";
  if (signal == 0) return "exit " + std::to_string(code);
  return "killed by signal " + std::to_string(signal) + " (" +
         strsignal(signal) + ")";
}

ChildProcess::ChildProcess(const ChildOptions& options) {
  std::vector<std::string> command = options.command;
  fs::path program = command.at(0);
  if (!program.has_parent_path()) program = find_in_path(program);
  if (program.empty() || access(program.c_str(), X_OK) != 0)
    throw InputError("cannot start " + command[0],
                     program.empty() ? "not found in PATH" : strerror(errno),
                     "run `lens doctor`");
  const int log = open(options.log.c_str(),
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0)
    throw InputError("cannot write " + options.log.string(), strerror(errno),
                     "check the run directory");
  // All of this before the fork: another thread may hold the lock of the
  // allocator, and the child would wait for it for ever.
  std::vector<std::string> variables = make_environment(options);
  const std::vector<char*> argument_list = pointers(command);
  const std::vector<char*> variable_list = pointers(variables);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0)
    become(program.c_str(), argument_list.data(), variable_list.data(), log,
           parent);
  const int fork_error = errno;
  close(log);
  if (pid_ < 0)
    throw InputError("cannot start " + command[0], strerror(fork_error),
                     "raise the limit of processes (ulimit -u), or end other "
                     "programs");
  setpgid(pid_, pid_);  // also here: whoever comes first
  held_children().insert(pid_);
}

ChildProcess::~ChildProcess() {
  if (!poll()) stop(0ms);
  held_children().erase(pid_);
}

std::optional<ChildExit> ChildProcess::poll() {
  if (exit_) return exit_;
  int status = 0;
  const pid_t got = waitpid(pid_, &status, WNOHANG);
  if (got == pid_) exit_ = exit_of(status);
  // Somebody else took its status: nothing says that it went well.
  if (got < 0 && errno == ECHILD)
    exit_ = ChildExit{.code = 255, .unseen = true};
  return exit_;
}

void ChildProcess::signal(int number) {
  // Not after its end: by then the number may be that of others.
  if (!poll()) kill(-pid_, number);
}

ChildExit ChildProcess::stop(std::chrono::milliseconds patience) {
  signal(SIGTERM);
  const auto deadline = Clock::now() + patience;
  while (!poll() && Clock::now() < deadline)
    std::this_thread::sleep_for(kPollInterval);
  while (!poll()) {
    kill(-pid_, SIGKILL);
    std::this_thread::sleep_for(kPollInterval);
  }
  return *poll();
}

std::optional<ChildExit> run_to_end(const ChildOptions& options,
                                    std::chrono::milliseconds patience) {
  ChildProcess child(options);
  const Clock::time_point deadline = Clock::now() + patience;
  while (child.running()) {
    if (Clock::now() > deadline) return std::nullopt;
    std::this_thread::sleep_for(kPollInterval);
  }
  return child.poll();
}

void adopt_orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

void kill_descendants(std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  int number = SIGTERM;
  for (;;) {
    // One by one: the status of any other child is not ours to take.
    for (const pid_t pid : descendants()) waitpid(pid, nullptr, WNOHANG);
    const std::vector<pid_t> left = descendants();
    if (left.empty()) return;
    if (Clock::now() >= deadline) number = SIGKILL;
    if (number != 0)
      for (const pid_t pid : left) kill(pid, number);
    if (number == SIGTERM) number = 0;  // once
    std::this_thread::sleep_for(kPollInterval);
  }
}

fs::path find_in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/bin:/bin");
  std::string folder;
  while (std::getline(folders, folder, ':')) {
    const fs::path candidate = fs::path(folder) / program;
    // A folder that may not be read has nothing for us, as for a shell.
    std::error_code ignored;
    if (fs::is_regular_file(candidate, ignored) &&
        access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return {};
}

}  // namespace lens::cli
