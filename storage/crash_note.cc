#include "storage/crash_note.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

namespace lens::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKilled = "killed";

fs::path path_of(const RunDirectory& run, const CrashNote& note) {
  return run.crash_note(note.unit, note.epoch, note.number);
}

std::optional<CrashNote> from_name(std::string_view name) {
  std::string_view rest;
  const auto lease = parse_lease_file(name, rest);
  if (!lease || rest != ".txt") return std::nullopt;
  CrashNote note;
  note.unit = lease->unit;
  note.epoch = lease->epoch;
  note.number = lease->number;
  return note;
}

bool read_text(const RunDirectory& run, CrashNote& note) {
  std::ifstream file(path_of(run, note));
  if (!file) return false;
  std::getline(file, note.sample_id);
  std::getline(file, note.reason);
  std::string kind;
  std::getline(file, kind);
  note.killed = kind == kKilled;
  if (note.reason.empty()) note.reason = "the worker crashed";
  return true;
}

}  // namespace

std::optional<CrashNote> read_crash_note(const RunDirectory& run,
                                         std::int32_t unit, std::uint64_t epoch,
                                         std::uint64_t number) {
  CrashNote note;
  note.unit = unit;
  note.epoch = epoch;
  note.number = number;
  if (!read_text(run, note)) return std::nullopt;
  return note;
}

std::vector<CrashNote> read_crash_notes(const RunDirectory& run) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entry(run.crashes(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  std::vector<CrashNote> notes;
  for (const fs::path& file : files) {
    std::optional<CrashNote> note = from_name(file.filename().string());
    if (note && read_text(run, *note)) notes.push_back(*std::move(note));
  }
  return notes;
}

void write_crash_note(const RunDirectory& run, const CrashNote& note) {
  const fs::path path = path_of(run, note);
  const fs::path temporary = path.string() + ".tmp";
  {
    std::ofstream file(temporary);
    file << note.sample_id << '\n'
         << note.reason << '\n'
         << (note.killed ? kKilled : "") << '\n';
  }
  std::error_code ignored;
  fs::rename(temporary, path, ignored);
}

void remove_crash_note(const RunDirectory& run, const CrashNote& note) {
  std::error_code gone;
  fs::remove(path_of(run, note), gone);
}

}  // namespace lens::storage
