// Loaded into a worker by LD_PRELOAD: what the environment variable
// LENS_TEST_FAULTS lists happens where a stage comes to a sample.
//
//   LENS_TEST_FAULTS=STAGE:SAMPLE=FAULT[,...]
//     STAGE   rows, image, model or store; SAMPLE its id (an image: its row)
//     FAULT   segv (SIGSEGV), kill (SIGKILL) or hang (for ever)
//   LENS_TEST_RANK=RANK: only in the process of this rank of an MPI world.
//
// The worker says where it is in its work note (storage/work_note.h), by one
// pwrite: line 2 is the stage, line 3 the samples. The programs know nothing of
// this.

#include <dlfcn.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>

namespace {

void suffer(const std::string& fault) {
  if (fault == "segv") ::raise(SIGSEGV);
  if (fault == "kill") ::kill(::getpid(), SIGKILL);
  if (fault == "hang") {
    while (true) ::pause();
  }
}

void come_to(const std::string& stage, const std::string& sample,
             std::istringstream faults) {
  std::string fault;
  while (std::getline(faults, fault, ',')) {
    const std::size_t equals = fault.find('=');
    if (fault.substr(0, equals) == stage + ":" + sample) {
      suffer(fault.substr(equals + 1));
    }
  }
}

bool is_meant() {
  const char* const wanted = std::getenv("LENS_TEST_RANK");
  const char* const rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return wanted == nullptr ||
         (rank != nullptr && std::string_view(wanted) == rank);
}

// Of a work note; nothing happens at any other text.
void look_at(std::string_view text) {
  const char* const wanted = std::getenv("LENS_TEST_FAULTS");
  if (wanted == nullptr || !is_meant()) return;
  std::istringstream lines{std::string(text)};
  std::string process, stage, samples;
  if (!std::getline(lines, process) || !std::getline(lines, stage) ||
      !std::getline(lines, samples)) {
    return;
  }
  std::istringstream words(samples);
  std::string sample;
  while (words >> sample) come_to(stage, sample, std::istringstream(wanted));
}

template <typename Call>
Call next(const char* name) {
  return reinterpret_cast<Call>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" ssize_t pwrite(int file, const void* bytes, size_t size,
                          off_t offset) {
  static const auto real =
      next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  const ssize_t written = real(file, bytes, size, offset);
  if (offset == 0) look_at({static_cast<const char*>(bytes), size});
  return written;
}

extern "C" ssize_t pwrite64(int file, const void* bytes, size_t size,
                            off64_t offset) {
  return pwrite(file, bytes, size, static_cast<off_t>(offset));
}
