#include "storage/work_note.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <map>
#include <optional>
#include <system_error>
#include <vector>

#include "base/process_id.h"
#include "storage/crash_note.h"

namespace lens::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".work";
// Which stage a death is put down to, where a process was at several.
constexpr std::array<Stage, kStages> kBlamed = {Stage::kModel, Stage::kImage,
                                                Stage::kRows, Stage::kStore};

// The notes of this process that are on disk, in memory that a signal handler
// may read at any time.
struct Slot {
  std::atomic<bool> used{false};
  // Its file is about to appear: whoever withdraws it waits for that.
  std::atomic<bool> appearing{false};
  std::array<char, PATH_MAX> path{};
};
std::array<Slot, 64> slots;
std::atomic<bool> withdrawn{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// -1 where all are in use, or the path is too long.
int take_slot(const std::string& path) {
  if (path.size() >= PATH_MAX) return -1;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].used.exchange(true)) continue;
    std::copy_n(path.c_str(), path.size() + 1, slots[i].path.begin());
    return static_cast<int>(i);
  }
  return -1;
}

// A new file that appears under its name with `text` in it, or not at all: a
// process that dies on the way leaves none that says nothing. -1 where it
// cannot be; errno is EEXIST where there is one of that name.
int open_with(const fs::path& path, const std::string& text) {
  const int nameless = ::open(path.parent_path().c_str(),
                              O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);
  const auto written = [&text](int descriptor) {
    return ::pwrite(descriptor, text.data(), text.size(), 0) ==
           static_cast<ssize_t>(text.size());
  };
  if (nameless >= 0) {
    const std::string self = "/proc/self/fd/" + std::to_string(nameless);
    if (written(nameless) && ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD,
                                      path.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      return nameless;
    }
    const bool taken = errno == EEXIST;
    ::close(nameless);
    if (taken) {
      errno = EEXIST;
      return -1;
    }
  }
  // A file system without nameless files (NFS).
  const int named =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (named >= 0) written(named);
  return named;
}

struct Found {
  fs::path path;
  LeaseFile lease;
  ProcessId process;
  std::size_t rank = kBlamed.size();  // of its stage in kBlamed
  std::string sample;
};

std::optional<Found> read(const fs::path& path) {
  Found found{.path = path, .lease = {}, .process = {}, .sample = ""};
  std::string_view rest;
  const std::string name = path.filename().string();
  const auto lease = parse_lease_file(name, rest);
  if (!lease || !rest.starts_with('.') || !rest.ends_with(kSuffix)) {
    return std::nullopt;
  }
  found.lease = *lease;
  std::ifstream file(path);
  std::string process;
  std::string stage;
  if (!std::getline(file, process) || !std::getline(file, stage)) {
    return std::nullopt;
  }
  std::getline(file, found.sample);
  found.process = process_from_text(process);
  found.rank = static_cast<std::size_t>(
      std::ranges::find(kBlamed, stage, stage_name) - kBlamed.begin());
  return found;
}

std::vector<Found> read_all(const RunDirectory& run) {
  std::vector<fs::path> paths;
  std::error_code error;
  fs::directory_iterator entry(run.crashes(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == kSuffix) paths.push_back(entry->path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Found> notes;
  for (const fs::path& path : paths) {
    if (auto note = read(path)) notes.push_back(*std::move(note));
  }
  return notes;
}

// The note that a dead process is blamed by; several of its stage name none.
Found blamed(const std::vector<Found>& notes) {
  const auto first = std::min_element(
      notes.begin(), notes.end(),
      [](const Found& a, const Found& b) { return a.rank < b.rank; });
  Found found = *first;
  const auto alike =
      std::count_if(notes.begin(), notes.end(),
                    [&](const Found& note) { return note.rank == found.rank; });
  const bool alone = found.sample.find(' ') == std::string::npos;
  if (alike > 1 || !alone) found.sample.clear();
  return found;
}

std::string reason_of(const Found& note) {
  const Stage stage =
      note.rank < kBlamed.size() ? kBlamed[note.rank] : Stage::kRows;
  return std::string(
             "the worker was killed (SIGKILL, as by the kernel's "
             "memory killer) ") +
         stage_phrase(stage);
}

}  // namespace

std::string_view stage_name(Stage stage) {
  switch (stage) {
    case Stage::kRows:
      return "rows";
    case Stage::kImage:
      return "image";
    case Stage::kModel:
      return "model";
    case Stage::kStore:
      return "store";
  }
  return "";
}

const char* stage_phrase(Stage stage) {
  switch (stage) {
    case Stage::kRows:
      return "while its rows were read";
    case Stage::kImage:
      return "while its image was read";
    case Stage::kModel:
      return "while the model ran";
    case Stage::kStore:
      return "while its part was stored";
  }
  return "";
}

WorkNote::WorkNote(const RunDirectory& run, const LeaseFile& lease,
                   Stage stage) {
  static std::atomic<std::uint64_t> serial{0};
  head_ =
      to_text(ProcessId::self()) + "\n" + std::string(stage_name(stage)) + "\n";
  std::error_code ignored;  // without the folder there is no note
  fs::create_directories(run.crashes(), ignored);
  // Other processes may work for the same lease, and count as this one does.
  for (bool taken = true; taken;) {
    path_ = run.work_note(lease.unit, lease.epoch, lease.number, ++serial);
    taken = !appear();
  }
}

bool WorkNote::appear() {
  if (withdrawn) return true;
  slot_ = take_slot(path_.string());
  if (slot_ < 0) return true;
  Slot& slot = slots[static_cast<std::size_t>(slot_)];
  // Said before the second look: whoever withdraws sets `withdrawn` and then
  // looks here, so one of the two sees the other.
  slot.appearing = true;
  if (!withdrawn) descriptor_ = open_with(path_, head_ + "\n");
  const bool taken = !withdrawn && descriptor_ < 0 && errno == EEXIST;
  slot.appearing = false;
  if (!taken) return true;
  slot_ = -1;
  slot.used = false;
  return false;
}

WorkNote::~WorkNote() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }
  if (slot_ >= 0) slots[static_cast<std::size_t>(slot_)].used = false;
}

void WorkNote::come_to(std::span<const std::string> samples) {
  if (descriptor_ < 0) return;
  // In one call, the head with it: what a death leaves is a whole note. Lines
  // behind the third one, left of a longer name, mean nothing.
  std::string text = head_;
  for (const std::string& sample : samples) {
    if (&sample != samples.data()) text += ' ';
    text += sample;
  }
  text += '\n';
  [[maybe_unused]] const ssize_t written =
      ::pwrite(descriptor_, text.data(), text.size(), 0);
}

void WorkNote::withdraw_all() {
  withdrawn = true;
  for (const Slot& slot : slots) {
    if (!slot.used) continue;
    // A signal may have interrupted the very thread that makes the file: it is
    // not waited for without end.
    for (int i = 0; i < 20 && slot.appearing; ++i) ::poll(nullptr, 0, 1);
    ::unlink(slot.path.data());
  }
}

void settle_work_notes(const RunDirectory& run) {
  std::map<std::string, std::vector<Found>> dead;  // by process
  for (Found& note : read_all(run)) {
    // A living process may still leave the stage by itself.
    if (!has_ended(note.process)) continue;
    dead[to_text(note.process)].push_back(std::move(note));
  }
  for (const auto& [process, notes] : dead) {
    const Found cause = blamed(notes);
    CrashNote note;
    note.unit = cause.lease.unit;
    note.epoch = cause.lease.epoch;
    note.number = cause.lease.number;
    note.sample_id = cause.sample;
    note.reason = reason_of(cause);
    note.killed = true;
    // Where the process left a note of its own, that one holds.
    const bool known =
        std::any_of(notes.begin(), notes.end(), [&](const Found& each) {
          return read_crash_note(run, each.lease.unit, each.lease.epoch,
                                 each.lease.number)
              .has_value();
        });
    if (!known) write_crash_note(run, note);
    std::error_code gone;
    for (const Found& each : notes) fs::remove(each.path, gone);
  }
}

}  // namespace lens::storage
