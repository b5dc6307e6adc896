#include "worker/crash_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

namespace lens::worker {

// Ready to be written, but for the signal.
struct Doing::Note {
  std::string path;
  std::string sample;
  Stage stage{};
};

namespace {

struct Fatal {
  int signal;
  const char* name;
};
constexpr std::array kFatal{Fatal{SIGSEGV, "SIGSEGV (segmentation fault)"},
                            Fatal{SIGBUS, "SIGBUS (bus error)"},
                            Fatal{SIGFPE, "SIGFPE (arithmetic error)"},
                            Fatal{SIGILL, "SIGILL (illegal instruction)"},
                            Fatal{SIGABRT, "SIGABRT (aborted)"}};
// The handlers that were there before, in the order of kFatal.
std::array<struct sigaction, kFatal.size()> former;

thread_local const Doing::Note* thread_note = nullptr;
std::atomic<const Doing::Note*> process_note{nullptr};

std::atomic<std::uint64_t> next_id{1};

// Only calls that a signal handler may make, from here to on_fatal().
void put(int file, const char* text) {
  std::size_t length = std::strlen(text);
  while (length > 0) {
    const ssize_t written = ::write(file, text, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text += written;
    length -= static_cast<std::size_t>(written);
  }
}

void write_note(const Doing::Note& note, const char* what, const char* cause) {
  const int file =
      ::open(note.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  // O_EXCL: a thread that dies of what the first death has torn down must not
  // tell its own story instead.
  if (file < 0) return;
  put(file, note.sample.c_str());
  put(file, "\nthe worker ");
  put(file, what);
  put(file, cause);
  put(file, " ");
  put(file, storage::stage_phrase(note.stage));
  put(file, "\n");
  ::fsync(file);
  ::close(file);
}

void on_fatal(int signal) {
  const Doing::Note* note = thread_note;
  if (note == nullptr) note = process_note.load();
  for (std::size_t i = 0; i < kFatal.size(); ++i) {
    if (kFatal[i].signal != signal) continue;
    if (note != nullptr) write_note(*note, "died of ", kFatal[i].name);
    // After the crash note: a process that dies between them leaves one note
    // too many, never none.
    storage::WorkNote::withdraw_all();  // the death is told of
    ::sigaction(signal, &former[i], nullptr);
  }
  ::raise(signal);  // pending until this returns, then for the former handler
}

// The stack of a thread's handlers, for as long as the thread lives.
class HandlerStack {
 public:
  HandlerStack() : memory_(std::make_unique<char[]>(kBytes)) {
    stack_t stack = {};
    stack.ss_sp = memory_.get();
    stack.ss_size = kBytes;
    ::sigaltstack(&stack, &former_);
  }
  ~HandlerStack() { ::sigaltstack(&former_, nullptr); }
  HandlerStack(const HandlerStack&) = delete;
  HandlerStack& operator=(const HandlerStack&) = delete;

 private:
  static constexpr std::size_t kBytes = 64 * 1024;
  std::unique_ptr<char[]> memory_;
  stack_t former_ = {};
};

}  // namespace

void install_crash_watch() {
  watch_this_thread();
  for (std::size_t i = 0; i < kFatal.size(); ++i) {
    struct sigaction action = {};
    action.sa_handler = on_fatal;
    action.sa_flags = SA_ONSTACK;
    ::sigaction(kFatal[i].signal, &action, &former[i]);
  }
}

void watch_this_thread() { thread_local const HandlerStack stack; }

// The objects that live, by their ids.
struct Registry {
  std::mutex mutex;
  std::map<std::uint64_t, const Doing*> doings;  // guarded by mutex

  static Registry& instance() {
    static Registry registry;
    return registry;
  }

  static InWork describe(const Doing& doing) {
    return {doing.id_, doing.stage_, doing.steps_};
  }
  static const Doing::Note& note_of(const Doing& doing) {
    return *doing.notes_.back();
  }
};

Doing::Doing(const storage::RunDirectory& run, const Lease& lease, Stage stage)
    : path_(run.crash_note(lease.unit, lease.token.epoch, lease.token.number)),
      stage_(stage),
      id_(next_id++),
      work_note_(run, {lease.unit, lease.token.epoch, lease.token.number},
                 stage),
      outer_thread_note_(thread_note),
      outer_process_note_(process_note) {
  watch_this_thread();
  post();
  Registry& registry = Registry::instance();
  const std::lock_guard lock(registry.mutex);
  registry.doings[id_] = this;
}

Doing::~Doing() {
  Registry& registry = Registry::instance();
  {
    const std::lock_guard lock(registry.mutex);
    // Before anything of it goes: end_stalled() finds it here.
    registry.doings.erase(id_);
  }
  if (stage_ == Stage::kModel) process_note = outer_process_note_;
  thread_note = outer_thread_note_;
}

void Doing::come_to(std::span<const std::string> samples) {
  {
    const std::lock_guard lock(Registry::instance().mutex);
    sample_ = samples.size() == 1 ? samples.front() : std::string();
    post();
  }
  ++steps_;
  work_note_.come_to(samples);
}

void Doing::post() {
  auto note = std::make_unique<Note>();
  note->path = path_;
  note->sample = sample_;
  note->stage = stage_;
  thread_note = note.get();
  if (stage_ == Stage::kModel) process_note = note.get();
  notes_.push_back(std::move(note));
}

std::vector<InWork> in_work() {
  Registry& registry = Registry::instance();
  const std::lock_guard lock(registry.mutex);
  std::vector<InWork> all;
  for (const auto& [id, doing] : registry.doings) {
    all.push_back(Registry::describe(*doing));
  }
  return all;
}

void end_stalled(std::uint64_t id, std::chrono::seconds idle) {
  Registry& registry = Registry::instance();
  const std::lock_guard lock(registry.mutex);
  // The lock is kept until the end: what it guards is read by write_note().
  const auto found = registry.doings.find(id);
  if (found == registry.doings.end()) return;
  const std::string seconds = std::to_string(idle.count()) + " s";
  write_note(Registry::note_of(*found->second), "made no step for ",
             seconds.c_str());
  storage::WorkNote::withdraw_all();
  // No destructors: they would wait for the thread that hangs.
  std::_Exit(1);
}

}  // namespace lens::worker
