#include "cli/hash_memory.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "base/durable.h"
#include "base/error.h"
#include "base/sha256.h"
#include "cli/home_path.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHexDigits = 64;

bool is_hash(std::string_view text) {
  return text.size() == kHexDigits &&
         text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

HashMemory::HashMemory(fs::path folder, Limits limits)
    : folder_(std::move(folder)), limits_(limits) {}

std::optional<HashMemory> HashMemory::of_user() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  // The specification: a relative path is ignored.
  if (cache != nullptr && fs::path(cache).is_absolute()) {
    return HashMemory(fs::path(cache) / "lens/sha256", Limits());
  }
  try {
    return HashMemory(fs::path(expand_home("~/.cache")) / "lens/sha256",
                      Limits());
  } catch (const InputError&) {
    return std::nullopt;
  }
}

fs::path HashMemory::entry(const std::string& path,
                           const struct stat& status) const {
  std::string identity = path;
  for (const auto number :
       {static_cast<std::int64_t>(status.st_dev),
        static_cast<std::int64_t>(status.st_ino),
        static_cast<std::int64_t>(status.st_size),
        static_cast<std::int64_t>(status.st_mtim.tv_sec),
        static_cast<std::int64_t>(status.st_mtim.tv_nsec),
        static_cast<std::int64_t>(status.st_ctim.tv_sec),
        static_cast<std::int64_t>(status.st_ctim.tv_nsec)}) {
    // No path has a NUL: two files cannot give one text.
    identity.append(1, '\0').append(std::to_string(number));
  }
  return folder_ / sha256_hex(identity);
}

std::optional<std::string> HashMemory::find(const std::string& path,
                                            const struct stat& status) const {
  if (status.st_size < limits_.least_bytes) return std::nullopt;
  try {
    const fs::path file = entry(path, status);
    if (!fs::is_regular_file(file)) return std::nullopt;
    const std::vector<std::byte> bytes = read_file(file);
    const std::string text(reinterpret_cast<const char*>(bytes.data()),
                           bytes.size());
    if (is_hash(text)) return text;
  } catch (const std::exception&) {
    // Not to be had: the file is read as if it had never been.
  }
  return std::nullopt;
}

void HashMemory::keep(const std::string& path, const struct stat& status,
                      const std::string& sha256) const {
  struct stat now {};
  if (status.st_size < limits_.least_bytes) return;
  if (stat(path.c_str(), &now) != 0) return;
  const fs::path file = entry(path, status);
  if (file != entry(path, now)) return;
  const std::time_t changed =
      std::max(status.st_mtim.tv_sec, status.st_ctim.tv_sec);
  if (std::time(nullptr) - changed < limits_.settled_seconds) return;
  try {
    write_file_durably(file, sha256);
  } catch (const std::exception&) {
    // A full or read-only home: the next run reads the file again.
  }
}

}  // namespace lens::cli
