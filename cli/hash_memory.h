#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace lens::cli {

// What large files of this user hashed to, kept over runs: a checkpoint is read
// whole only once. A file is known by its path, device, inode, size and times;
// the time of its last change of status cannot be set back, so a file that was
// written in place is read again even where its other times were restored.
class HashMemory {
 public:
  struct Limits {
    // Smaller files are hashed faster than they are looked up with care.
    std::int64_t least_bytes = std::int64_t{64} << 20;
    // Coarser than the clock of any file system: a file that changed so short
    // ago could change again and bear the same time.
    std::int64_t settled_seconds = 3;
  };

  // A file for each hash in `folder`, which is made when one is kept.
  HashMemory(std::filesystem::path folder, Limits limits);

  // XDG_CACHE_HOME/lens/sha256, or ~/.cache/lens/sha256. Nothing where the
  // user has no home.
  static std::optional<HashMemory> of_user();

  // `path` is absolute, `status` what stat() says of it.
  std::optional<std::string> find(const std::string& path,
                                  const struct stat& status) const;

  // `status` is from before the file was read: nothing is kept where it is
  // another one by now, or not settled. What cannot be written is forgotten in
  // silence.
  void keep(const std::string& path, const struct stat& status,
            const std::string& sha256) const;

 private:
  std::filesystem::path entry(const std::string& path,
                              const struct stat& status) const;

  std::filesystem::path folder_;
  Limits limits_;
};

}  // namespace lens::cli
