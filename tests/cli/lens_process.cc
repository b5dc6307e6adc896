#include "tests/cli/lens_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "cli/program.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void redirect(int descriptor, const std::string& file) {
  const int opened =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (opened < 0 || ::dup2(opened, descriptor) < 0) ::_exit(99);
}

}  // namespace

LensEnd run_lens(const std::vector<std::string>& words,
                 const std::string& output) {
  const ScratchFolder folder;
  const std::string out = output.empty() ? (folder / "out").string() : output;
  const std::string error = (folder / "error").string();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    redirect(STDOUT_FILENO, out);
    redirect(STDERR_FILENO, error);
    std::vector<const char*> arguments = {"lens"};
    for (const std::string& word : words) arguments.push_back(word.c_str());
    ::_exit(lens_main(static_cast<int>(arguments.size()), arguments.data()));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  LensEnd end;
  if (WIFEXITED(status)) end.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (output.empty()) end.out = content(out);
  end.error = content(error);
  return end;
}

}  // namespace lens::cli
