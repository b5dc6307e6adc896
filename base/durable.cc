#include "base/durable.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/output_target.h"

namespace lens {
namespace {

std::string remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "free space or choose another folder, then run the same command "
             "again";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder you may write to";
    case ENOENT:
      return "check the path";
    default:
      return "check the file system";
  }
}

[[noreturn]] void throw_errno(const std::string& problem, int error) {
  throw StorageError(problem + " (" + std::strerror(error) + "); " +
                     remedy(error));
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor =
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw_errno("cannot open " + folder.string(), errno);
  const int result = ::fsync(descriptor);
  // close() may set another.
  const int error = errno;
  ::close(descriptor);
  // Some file systems have no fsync for folders and say so by EINVAL; there is
  // nothing more to be done on them.
  if (result != 0 && error != EINVAL) {
    throw_errno("cannot sync the folder " + folder.string(), error);
  }
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  const auto folder = file.parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

// New folders are synced into their parents: a part that survives a power loss
// in a folder that does not is lost all the same.
void create_folders(const std::filesystem::path& folder) {
  std::error_code unknown;  // mkdir tells why it cannot be known
  if (folder.empty() || std::filesystem::is_directory(folder, unknown)) return;
  create_folders(folder.parent_path());
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) {
    throw_errno("cannot make the folder " + folder.string(), errno);
  }
  sync_folder(folder_of(folder));
}

// Closes the descriptor.
void write_directly(int descriptor, std::string_view content,
                    const std::filesystem::path& name) {
  int error = 0;
  while (!content.empty() && error == 0) {
    const ssize_t count = ::write(descriptor, content.data(), content.size());
    if (count > 0) {
      content.remove_prefix(static_cast<std::size_t>(count));
    } else if (count == 0) {
      error = ENOSPC;
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  // Network file systems tell of a full disk here.
  if (::close(descriptor) != 0 && error == 0) error = errno;
  if (error != 0) throw_errno("cannot write " + name.string(), error);
}

}  // namespace

InputDescriptor::InputDescriptor(const std::filesystem::path& file)
    : file_(file), descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) throw_errno("cannot open " + file.string(), errno);
  struct stat status;
  // A pipe has no length, and reading one may never end.
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw StorageError("cannot read " + file.string() +
                       " (not a regular file); check the path");
  }
  bytes_ = status.st_size;
}

InputDescriptor::~InputDescriptor() { ::close(descriptor_); }

std::size_t InputDescriptor::read(std::int64_t at,
                                  std::span<std::byte> block) const {
  for (;;) {
    const ssize_t count = ::pread(descriptor_, block.data(), block.size(), at);
    if (count > 0) return static_cast<std::size_t>(count);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno("cannot read " + file_.string(), errno);
    throw StorageError("cannot read " + file_.string() +
                       " (it became shorter meanwhile); leave it alone while "
                       "it is read");
  }
}

std::vector<std::byte> read_file(const std::filesystem::path& file) {
  const InputDescriptor input(file);
  std::vector<std::byte> content(static_cast<std::size_t>(input.bytes()));
  for (std::size_t at = 0; at < content.size();) {
    at += input.read(static_cast<std::int64_t>(at),
                     std::span(content).subspan(at));
  }
  return content;
}

DurableFile::DurableFile(const std::filesystem::path& file,
                         StepObserver observer)
    : file_(output_target(file)),
      temporary_(file_.string() + ".tmp"),
      observer_(std::move(observer)) {
  create_folders(folder_of(file_));
  lock_temporary();
  // What a writer that died has left under the temporary name.
  if (::ftruncate(descriptor_, 0) != 0) {
    const int error = errno;
    ::close(descriptor_);
    throw_errno("cannot write " + temporary_.string(), error);
  }
}

// Takes the lock on the file that bears the temporary name now. Between open
// and flock another writer may have renamed that very file to its final name:
// writing on would destroy it, so the name is looked up again.
void DurableFile::lock_temporary() {
  for (;;) {
    descriptor_ =
        ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0)
      throw_errno("cannot create " + temporary_.string(), errno);
    const int locked = ::flock(descriptor_, LOCK_EX | LOCK_NB);
    if (locked != 0 && errno == EWOULDBLOCK) {
      ::close(descriptor_);
      throw StorageError("cannot write " + file_.string() +
                         " (another process is writing it); wait for it");
    }
    // Other errors: a file system without locks. The rename still is atomic.
    struct stat mine;
    struct stat named;
    if (::fstat(descriptor_, &mine) == 0 &&
        ::stat(temporary_.c_str(), &named) == 0 &&
        mine.st_ino == named.st_ino && mine.st_dev == named.st_dev) {
      return;
    }
    ::close(descriptor_);
  }
}

DurableFile::~DurableFile() {
  // Before the lock goes with the descriptor: after that the name may be
  // another's.
  if (!committed_) ::unlink(temporary_.c_str());
  ::close(descriptor_);
}

void DurableFile::fail(const std::string& action, int error) const {
  throw_errno("cannot " + action + " " + temporary_.string(), error);
}

void DurableFile::append(std::span<const std::byte> bytes) {
  std::int64_t at = this->bytes();
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), at);
    if (count < 0 && errno == EINTR) continue;
    // No file system should take nothing and call it no error.
    if (count <= 0) fail("write", count < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    at += count;
  }
  synced_ = false;
}

void DurableFile::append(std::string_view text) {
  append(std::as_bytes(std::span(text.data(), text.size())));
}

std::int64_t DurableFile::bytes() const {
  struct stat status;
  if (::fstat(descriptor_, &status) != 0) fail("look at", errno);
  return status.st_size;
}

void DurableFile::reached(WriteStep step) const {
  if (observer_) observer_(step);
}

void DurableFile::sync() {
  if (::fsync(descriptor_) != 0) fail("sync", errno);
  synced_ = true;
  reached(WriteStep::kSynced);
}

void DurableFile::commit() {
  if (!synced_) sync();
  // All bytes are on the disk before the name is: a crash leaves the old file
  // or the new one, never half of it.
  if (::rename(temporary_.c_str(), file_.c_str()) != 0) fail("rename", errno);
  committed_ = true;
  reached(WriteStep::kRenamed);
  // A rename is an entry of the folder, and as durable as that.
  sync_folder(folder_of(file_));
  reached(WriteStep::kFolderSynced);
}

void write_file_durably(const std::filesystem::path& file,
                        std::string_view content,
                        const StepObserver& observer) {
  if (const auto descriptor = open_if_not_a_file(file)) {
    write_directly(*descriptor, content, file);
    return;
  }
  DurableFile output(file, observer);
  output.reached(WriteStep::kContentReady);
  output.append(content);
  output.reached(WriteStep::kWritten);
  output.commit();
}

}  // namespace lens
