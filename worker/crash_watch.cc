#include "worker/crash_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace lens::worker {

// Ready to be written, but for the signal.
struct Doing::Note {
  std::string path;
  std::string sample;
  const char* stage = "";
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

const char* text_of(Stage stage) {
  switch (stage) {
    case Stage::kRows:
      return " while its rows were read\n";
    case Stage::kImage:
      return " while its image was read\n";
    case Stage::kModel:
      return " while the model ran\n";
    case Stage::kStore:
      return " while its part was stored\n";
  }
  return "\n";
}

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

void write_note(const Doing::Note& note, const char* signal) {
  const int file =
      ::open(note.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return;
  put(file, note.sample.c_str());
  put(file, "\nthe worker died of ");
  put(file, signal);
  put(file, note.stage);
  ::fsync(file);
  ::close(file);
}

void on_fatal(int signal) {
  const Doing::Note* note = thread_note;
  if (note == nullptr) note = process_note.load();
  for (std::size_t i = 0; i < kFatal.size(); ++i) {
    if (kFatal[i].signal != signal) continue;
    if (note != nullptr) write_note(*note, kFatal[i].name);
    ::sigaction(signal, &former[i], nullptr);
  }
  ::raise(signal);  // pending until this returns, then for the former handler
}

void crash_if_tested(Stage stage, std::span<const std::string> samples) {
  const char* wanted = std::getenv("LENS_TEST_CRASH");
  if (wanted == nullptr) return;
  if (stage != Stage::kImage && stage != Stage::kModel) return;
  const std::string prefix = stage == Stage::kImage ? "image:" : "model:";
  const bool crash =
      std::any_of(samples.begin(), samples.end(),
                  [&](const std::string& id) { return prefix + id == wanted; });
  if (crash) ::raise(SIGSEGV);
}

}  // namespace

void install_crash_watch() {
  // A stack that has overflowed carries no handler.
  static std::array<char, 64 * 1024> stack;
  stack_t alternative = {};
  alternative.ss_sp = stack.data();
  alternative.ss_size = stack.size();
  ::sigaltstack(&alternative, nullptr);
  for (std::size_t i = 0; i < kFatal.size(); ++i) {
    struct sigaction action = {};
    action.sa_handler = on_fatal;
    action.sa_flags = SA_ONSTACK;
    ::sigaction(kFatal[i].signal, &action, &former[i]);
  }
}

Doing::Doing(const storage::RunDirectory& run, const Lease& lease, Stage stage)
    : path_(run.crash_note(lease.unit, lease.token.epoch, lease.token.number)),
      stage_(stage) {
  std::error_code ignored;  // without the folder there is no note
  std::filesystem::create_directories(run.crashes(), ignored);
  post();
}

Doing::~Doing() {
  if (stage_ == Stage::kModel) process_note = nullptr;
  thread_note = nullptr;
}

void Doing::come_to(std::span<const std::string> samples) {
  sample_ = samples.size() == 1 ? samples.front() : std::string();
  post();
  crash_if_tested(stage_, samples);
}

void Doing::post() {
  auto note = std::make_unique<Note>();
  note->path = path_;
  note->sample = sample_;
  note->stage = text_of(stage_);
  thread_note = note.get();
  if (stage_ == Stage::kModel) process_note = note.get();
  notes_.push_back(std::move(note));
}

}  // namespace lens::worker
