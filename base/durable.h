#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lens {

// The numbered steps of docs/format.md, section 8.
enum class WriteStep {
  kContentReady = 1,
  kWritten = 2,
  kSynced = 3,
  kRenamed = 4,
  kFolderSynced = 5,
};

// Told after each step; tests stop the program there.
using StepObserver = std::function<void(WriteStep)>;

// A file open for reading. Throws StorageError.
class InputDescriptor {
 public:
  explicit InputDescriptor(const std::filesystem::path& file);
  ~InputDescriptor();
  InputDescriptor(const InputDescriptor&) = delete;
  InputDescriptor& operator=(const InputDescriptor&) = delete;

  std::int64_t bytes() const { return bytes_; }
  // Fills as much of `block` as the file has from `at` on; at least 1 byte
  // before the end. Throws StorageError if the file became shorter.
  std::size_t read(std::int64_t at, std::span<std::byte> block) const;

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::int64_t bytes_ = 0;
};

std::vector<std::byte> read_file(const std::filesystem::path& file);

// A file that appears whole under its name or not at all. Content goes to
// file.tmp; commit() fsyncs it, renames it and fsyncs the folder. Without
// commit() the destructor removes file.tmp. One process at a time writes a
// name: a second one gets StorageError.
class DurableFile {
 public:
  // Makes the folders above `file` where they are missing. A link is followed:
  // what it leads to is replaced. Throws StorageError where `file` is a folder,
  // a device or a pipe.
  explicit DurableFile(const std::filesystem::path& file,
                       StepObserver observer = {});
  ~DurableFile();
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  // For a library that opens files by name.
  const std::filesystem::path& temporary() const { return temporary_; }

  // For a library that writes at places of its own choice.
  int descriptor() const { return descriptor_; }

  // Behind the last byte.
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text);
  std::int64_t bytes() const;

  // Tells the observer of steps that the caller performs.
  void reached(WriteStep step) const;

  void sync();
  void commit();  // sync() where it was not called, rename, sync of the folder

  // Throws StorageError: "cannot ACTION the file", with the reason.
  [[noreturn]] void fail(const std::string& action, int error) const;

 private:
  void lock_temporary();
  std::filesystem::path file_;
  std::filesystem::path temporary_;
  StepObserver observer_;
  int descriptor_ = -1;
  bool synced_ = false;
  bool committed_ = false;
};

// The whole of `content` under `file`, by the steps above; a device or a pipe
// is written to.
void write_file_durably(const std::filesystem::path& file,
                        std::string_view content,
                        const StepObserver& observer = {});

}  // namespace lens
