#include "cli/file_hash.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <span>
#include <thread>

#include "base/durable.h"
#include "base/error.h"
#include "base/sha256.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::int64_t kReadBytes = 1 << 20;
constexpr auto kProgressInterval = 50ms;

[[noreturn]] void cannot_read(const std::string& path, int error) {
  throw InputError("cannot read " + path, std::strerror(error),
                   "check the file and its rights");
}

std::string hash_file(const std::string& path,
                      std::atomic<std::int64_t>& bytes_done,
                      const std::atomic<bool>& stop) {
  const InputDescriptor file(path);
  Sha256 hash;
  std::vector<std::byte> block(kReadBytes);
  // Stopped only where another file has failed: then no hash is used.
  for (std::int64_t at = 0; at < file.bytes() && !stop;) {
    const std::size_t got = file.read(at, block);
    hash.update(std::span<const std::byte>(block).first(got));
    at += static_cast<std::int64_t>(got);
    bytes_done += static_cast<std::int64_t>(got);
  }
  return hash.finish_hex();
}

struct DescribedFile {
  storage::InputFile file;
  struct stat status {};  // from before it was read
};

DescribedFile describe(const fs::path& path) {
  DescribedFile described;
  storage::InputFile& file = described.file;
  struct stat& status = described.status;
  file.path = fs::absolute(path).lexically_normal().string();
  if (stat(file.path.c_str(), &status) != 0) cannot_read(file.path, errno);
  file.bytes = status.st_size;
  file.modified_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 +
                     status.st_mtim.tv_nsec;
  return described;
}

// Hashes the files that are pending with a few threads; the calling thread
// reports.
class Hashing {
 public:
  Hashing(std::vector<DescribedFile*> pending, const HashOptions& options)
      : pending_(std::move(pending)), options_(options) {
    for (const DescribedFile* each : pending_) total_ += each->file.bytes;
  }

  void run() {
    if (pending_.empty()) return;
    {
      std::vector<std::jthread> threads;
      const std::size_t count = std::clamp<std::size_t>(
          static_cast<std::size_t>(options_.threads), 1, pending_.size());
      running_ = count;
      for (std::size_t i = 0; i < count; ++i)
        threads.emplace_back([this] { work(); });
      while (running_ > 0) {
        std::this_thread::sleep_for(
            total_ > std::int64_t{8} * kReadBytes ? kProgressInterval : 1ms);
        report();
      }
    }
    if (error_) std::rethrow_exception(error_);
    report();
  }

 private:
  void work() {
    try {
      for (std::size_t i = next_++; i < pending_.size() && !stop_; i = next_++)
        hash(*pending_[i]);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      stop_ = true;
    }
    --running_;
  }

  void hash(DescribedFile& described) {
    storage::InputFile& file = described.file;
    file.sha256 = hash_file(file.path, done_, stop_);
    // Stopped half way it is the hash of nothing.
    if (options_.memory != nullptr && !stop_) {
      options_.memory->keep(file.path, described.status, file.sha256);
    }
  }

  void report() {
    if (options_.progress) options_.progress(done_, total_);
  }

  const std::vector<DescribedFile*> pending_;
  const HashOptions& options_;
  std::int64_t total_ = 0;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<std::size_t> running_ = 0;
  std::atomic<std::int64_t> done_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::exception_ptr error_;  // guarded by mutex_
};

}  // namespace

std::vector<storage::InputFile> hash_files(const std::vector<fs::path>& files,
                                           const HashOptions& options) {
  std::vector<DescribedFile> described;
  for (const fs::path& path : files) described.push_back(describe(path));
  std::vector<DescribedFile*> pending;
  for (DescribedFile& each : described) {
    storage::InputFile& file = each.file;
    for (const storage::InputFile& known : options.known)
      if (known.path == file.path && known.bytes == file.bytes &&
          known.modified_ns == file.modified_ns)
        file.sha256 = known.sha256;
    if (file.sha256.empty() && options.memory != nullptr)
      file.sha256 = options.memory->find(file.path, each.status).value_or("");
    if (file.sha256.empty()) pending.push_back(&each);
  }
  Hashing(std::move(pending), options).run();
  std::vector<storage::InputFile> result;
  for (DescribedFile& each : described) result.push_back(std::move(each.file));
  return result;
}

std::string combined_sha256(const std::vector<storage::InputFile>& files) {
  std::vector<std::string> lines;
  for (const storage::InputFile& file : files)
    lines.push_back(fs::path(file.path).filename().string() + " " +
                    file.sha256 + "\n");
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line;
  return sha256_hex(text);
}

}  // namespace lens::cli
