// Loaded by LD_PRELOAD: at one of its calls that change files a program is
// killed, or the call fails.
//
//   LENS_TEST_CALL=PROGRAM:N:FAULT
//     PROGRAM  name of the executable, for example lens-coordinator
//     N        which call, from 1; the calls are write, pwrite, fsync,
//              fdatasync, rename, unlink, ftruncate, mkdir and open with
//              O_CREAT, on files and folders below LENS_TEST_ROOT
//     FAULT    kill (before the call), tear (a write of half, then killed),
//              or an errno as a number (that call fails)
//   LENS_TEST_ONCE=FILE   only the first process that comes to it: the one that
//              makes FILE
//   LENS_TEST_COUNT=FILE  instead: counts the calls of each program, appended
//              as "PROGRAM N" when it ends
//
// Calls on descriptors count where the descriptor's file lies below the root.

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <string>

namespace {

enum class Fault { kNone, kKill, kTear, kError };

struct Plan {
  std::string root;
  long at = 0;
  Fault fault = Fault::kNone;
  int error = 0;
  std::string count_file;
};

std::atomic<long> calls{0};

Plan make_plan() {
  Plan plan;
  const char* const root = ::getenv("LENS_TEST_ROOT");
  const char* const call = ::getenv("LENS_TEST_CALL");
  const char* const count = ::getenv("LENS_TEST_COUNT");
  if (root == nullptr) return plan;
  plan.root = root;
  if (count != nullptr) plan.count_file = count;
  if (call == nullptr) return plan;
  const std::string text = call;
  const std::size_t first = text.find(':');
  const std::size_t second = text.find(':', first + 1);
  if (second == std::string::npos ||
      text.substr(0, first) != program_invocation_short_name) {
    return plan;
  }
  plan.at = ::atol(text.c_str() + first + 1);
  const std::string fault = text.substr(second + 1);
  plan.fault = fault == "kill"   ? Fault::kKill
               : fault == "tear" ? Fault::kTear
                                 : Fault::kError;
  plan.error = ::atoi(fault.c_str());
  return plan;
}

const Plan& plan() {
  static const Plan* const instance = new Plan(make_plan());
  return *instance;
}

bool below_root(const char* path) {
  return !plan().root.empty() && path != nullptr &&
         ::strncmp(path, plan().root.c_str(), plan().root.size()) == 0;
}

bool below_root(int descriptor) {
  if (plan().root.empty()) return false;
  char link[64];
  char path[PATH_MAX];
  ::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  return below_root(path);
}

bool is_first() {
  const char* const once = ::getenv("LENS_TEST_ONCE");
  return once == nullptr ||
         ::syscall(SYS_open, once, O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0;
}

// What is to happen to this call. Does not return where the program dies.
Fault meet() {
  if (++calls != plan().at || !is_first()) return Fault::kNone;
  if (plan().fault == Fault::kKill) ::kill(::getpid(), SIGKILL);
  if (plan().fault == Fault::kError) errno = plan().error;
  return plan().fault;
}

template <typename Call>
Call next(const char* name) {
  return reinterpret_cast<Call>(::dlsym(RTLD_NEXT, name));
}

struct CountAtTheEnd {
  ~CountAtTheEnd() {
    if (plan().count_file.empty()) return;
    FILE* const file = ::fopen(plan().count_file.c_str(), "a");
    if (file == nullptr) return;
    ::fprintf(file, "%s %ld\n", program_invocation_short_name, calls.load());
    ::fclose(file);
  }
} count_at_the_end;

}  // namespace

#define REAL(name, type) static const auto real = next<type>(name)

extern "C" {

ssize_t write(int file, const void* bytes, size_t size) {
  REAL("write", ssize_t(*)(int, const void*, size_t));
  if (below_root(file)) {
    const Fault fault = meet();
    if (fault == Fault::kError) return -1;
    if (fault == Fault::kTear) {
      real(file, bytes, size / 2);
      ::kill(::getpid(), SIGKILL);
    }
  }
  return real(file, bytes, size);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  REAL("pwrite", ssize_t(*)(int, const void*, size_t, off_t));
  if (below_root(file)) {
    const Fault fault = meet();
    if (fault == Fault::kError) return -1;
    if (fault == Fault::kTear) {
      real(file, bytes, size / 2, offset);
      ::kill(::getpid(), SIGKILL);
    }
  }
  return real(file, bytes, size, offset);
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  return pwrite(file, bytes, size, static_cast<off_t>(offset));
}

int fsync(int file) {
  REAL("fsync", int (*)(int));
  if (below_root(file) && meet() == Fault::kError) return -1;
  return real(file);
}

int fdatasync(int file) {
  REAL("fdatasync", int (*)(int));
  if (below_root(file) && meet() == Fault::kError) return -1;
  return real(file);
}

int ftruncate(int file, off_t size) {
  REAL("ftruncate", int (*)(int, off_t));
  if (below_root(file) && meet() == Fault::kError) return -1;
  return real(file, size);
}

int ftruncate64(int file, off64_t size) {
  return ftruncate(file, static_cast<off_t>(size));
}

int rename(const char* from, const char* to) {
  REAL("rename", int (*)(const char*, const char*));
  if (below_root(to) && meet() == Fault::kError) return -1;
  return real(from, to);
}

int unlink(const char* path) {
  REAL("unlink", int (*)(const char*));
  if (below_root(path) && meet() == Fault::kError) return -1;
  return real(path);
}

int mkdir(const char* path, mode_t mode) {
  REAL("mkdir", int (*)(const char*, mode_t));
  if (below_root(path) && meet() == Fault::kError) return -1;
  return real(path, mode);
}

int open(const char* path, int flags, ...) {
  REAL("open", int (*)(const char*, int, ...));
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
    if (below_root(path) && meet() == Fault::kError) return -1;
  }
  return real(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open(path, flags | O_LARGEFILE, mode);
}

}  // extern "C"
