#include "storage/crash_note.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

namespace lens::storage {
namespace {

namespace fs = std::filesystem;

// Takes a number off the front of `text`.
template <typename Number>
bool take(std::string_view& text, Number& number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool skip(std::string_view& text, std::string_view expected) {
  if (text.substr(0, expected.size()) != expected) return false;
  text.remove_prefix(expected.size());
  return true;
}

std::optional<CrashNote> from_name(std::string_view name) {
  CrashNote note;
  if (take(name, note.unit) && skip(name, ".") && take(name, note.epoch) &&
      skip(name, "-") && take(name, note.number) && name == ".txt") {
    return note;
  }
  return std::nullopt;
}

fs::path path_of(const RunDirectory& run, const CrashNote& note) {
  return run.crash_note(note.unit, note.epoch, note.number);
}

bool read_text(const RunDirectory& run, CrashNote& note) {
  std::ifstream file(path_of(run, note));
  if (!file) return false;
  std::getline(file, note.sample_id);
  std::getline(file, note.reason);
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
  std::error_code error;  // no folder: no note
  for (fs::directory_iterator file(run.crashes(), error);
       !error && file != fs::directory_iterator(); file.increment(error)) {
    files.push_back(file->path());
  }
  std::sort(files.begin(), files.end());
  std::vector<CrashNote> notes;
  for (const fs::path& file : files) {
    std::optional<CrashNote> note = from_name(file.filename().string());
    if (note && read_text(run, *note)) notes.push_back(*std::move(note));
  }
  return notes;
}

void remove_crash_note(const RunDirectory& run, const CrashNote& note) {
  std::error_code gone;
  fs::remove(path_of(run, note), gone);
}

}  // namespace lens::storage
