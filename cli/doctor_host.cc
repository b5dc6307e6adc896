// The checks of doctor.h that touch the host: programs, MPI, disk, libraries.
#include <H5public.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/stubs/common.h>
#include <grpcpp/grpcpp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "cli/child_process.h"
#include "cli/doctor.h"
#include "cli/last_words.h"
#include "cli/network.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Level = Finding::Level;

constexpr std::int64_t kLittleSpace = 2'000'000'000;
constexpr auto kSlowSync = 500ms;

// Its output is left in `log`.
std::optional<ChildExit> run_command_to_end(
    std::vector<std::string> command, const fs::path& log,
    std::chrono::milliseconds patience) {
  return run_to_end(
      {.command = std::move(command), .log = log, .environment = {}}, patience);
}

std::string one_line(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \n");
  const std::size_t last = text.find_last_not_of(" \n");
  return first == std::string::npos ? "" : text.substr(first, last + 1 - first);
}

// A log that goes with the object.
class ScratchLog {
 public:
  explicit ScratchLog(const fs::path& folder)
      : path_(folder / fmt::format("lens-doctor-{}.log", getpid())) {}
  ~ScratchLog() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Time to write and sync a small file; nothing where that fails (errno).
std::optional<Clock::duration> time_sync(const fs::path& file) {
  const int descriptor =
      open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return std::nullopt;
  const Clock::time_point begin = Clock::now();
  const std::string block(4096, 'x');
  const bool good = write(descriptor, block.data(), block.size()) ==
                        static_cast<ssize_t>(block.size()) &&
                    fsync(descriptor) == 0;
  // Before close() and unlink() lose it.
  const int error = errno;
  const Clock::duration time = Clock::now() - begin;
  close(descriptor);
  unlink(file.c_str());
  errno = error;
  if (!good) return std::nullopt;
  return time;
}

}  // namespace

std::vector<Finding> check_programs(const RunTools& tools,
                                    const fs::path& scratch_folder) {
  std::vector<Finding> findings;
  for (const fs::path& program : {tools.coordinator, tools.worker}) {
    const std::string name = program.filename().string();
    if (access(program.c_str(), X_OK) != 0) {
      findings.push_back(
          {Level::kProblem, "programs",
           name + " is not beside this program; build or install it"});
      continue;
    }
    const ScratchLog log(scratch_folder);
    const auto exit =
        run_command_to_end({program.string(), "--version"}, log.path(), 20s);
    // Whatever it thinks of the flag: 127 comes from the loader.
    if (exit && exit->signal == 0 && exit->code != 127)
      findings.push_back({Level::kGood, "programs", program.string()});
    else
      findings.push_back(
          {Level::kProblem, "programs",
           fmt::format("{} does not start ({}); run ldd on it: {}", name,
                       exit ? exit->text() : "no answer in 20 s",
                       one_line(last_lines(log.path(), 1)))});
  }
  return findings;
}

Finding check_mpi(const RunTools& tools, const fs::path& scratch_folder) {
  if (tools.mpirun.empty())
    return {Level::kNote, "MPI",
            "mpirun is not installed; one worker runs alone, install Open MPI "
            "for more (Debian: openmpi-bin)"};
  const SessionFolder session = session_folder();
  if (!session.problem.empty())
    return {Level::kNote, "MPI",
            "mpirun needs a folder for its files; " + session.text() + ": " +
                session.problem +
                "; set TMPDIR to a folder that can be written, or give "
                "--workers 1"};
  const ScratchLog log(scratch_folder);
  std::vector<std::string> command = {tools.mpirun.string()};
  if (geteuid() == 0) command.emplace_back("--allow-run-as-root");
  for (const char* word :
       {"--oversubscribe", "--bind-to", "none", "-n", "2", "true"})
    command.emplace_back(word);
  const auto exit = run_command_to_end(command, log.path(), 20s);
  if (exit && exit->clean())
    return {Level::kGood, "MPI", tools.mpirun.string() + " starts processes"};
  return {Level::kProblem, "MPI",
          tools.mpirun.string() + " cannot start processes (" +
              (exit ? exit->text() : std::string("no answer in 20 s")) +
              "); correct the MPI installation: " +
              one_line(last_lines(log.path(), 1))};
}

Finding check_network() {
  const std::string problem = loopback_problem();
  if (problem.empty())
    return {Level::kGood, "network", "the loopback interface is up"};
  return {Level::kProblem, "network",
          problem +
              ", over which the programs of a run talk to each other; "
              "run `ip link set lo up`"};
}

Finding check_disk(const fs::path& folder) {
  // A run directory that is not there yet lies on the disk of its parent.
  fs::path place = fs::absolute(folder / "").lexically_normal();
  std::error_code error;
  while (!fs::is_directory(place, error) && place.has_relative_path())
    place = place.parent_path();
  const fs::space_info space = fs::space(place, error);
  if (error)
    return {Level::kProblem, "disk",
            place.string() + ": " + error.message() + "; choose another --out"};
  const auto time = time_sync(place / fmt::format(".lens-doctor-{}", getpid()));
  if (!time)
    return {Level::kProblem, "disk",
            fmt::format("cannot write to {} ({}); choose another --out",
                        place.string(), std::strerror(errno))};
  const double milliseconds =
      std::chrono::duration<double, std::milli>(*time).count();
  const std::string text = fmt::format(
      "{}: {:.1f} GB free, a synced write takes {:.1f} ms", place.string(),
      static_cast<double>(space.available) * 1e-9, milliseconds);
  if (space.available < static_cast<std::uintmax_t>(kLittleSpace))
    return {Level::kNote, "disk",
            text + "; that is little space, free some or choose another --out"};
  if (*time > kSlowSync)
    return {Level::kNote, "disk", text + "; that is slow, use larger units"};
  return {Level::kGood, "disk", text};
}

Finding check_shared_memory(const fs::path& folder) {
  // What Open MPI and NCCL take for some ranks; Docker gives 64 MB.
  constexpr std::uintmax_t kEnough = 256'000'000;
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error)
    return {Level::kNote, "shm",
            folder.string() + ": " + error.message() +
                "; mount a tmpfs there, or give --workers 1"};
  const std::string text =
      fmt::format("{}: {:.2f} GB free", folder.string(),
                  static_cast<double>(space.available) * 1e-9);
  if (space.available < kEnough)
    return {Level::kNote, "shm",
            text +
                "; that is little for several workers, start the container "
                "with --shm-size=1g, or give --workers 1"};
  return {Level::kGood, "shm", text};
}

fs::path ldd_place(const std::string& text, const std::string& library) {
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name, arrow, place;
    if (words >> name >> arrow >> place && name == library && arrow == "=>" &&
        place.starts_with('/'))
      return place;
  }
  return {};
}

std::vector<std::string> ldd_missing(const std::string& text) {
  std::vector<std::string> missing;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name;
    if (line.ends_with("=> not found") && words >> name)
      missing.push_back(name);
  }
  return missing;
}

Finding check_cuda_libraries(const RunTools& tools,
                             const fs::path& scratch_folder) {
  constexpr const char* kRemedy =
      "; run scripts/setup.sh --cuda, or give --device cpu";
  const auto ldd = [&](const fs::path& file) {
    const ScratchLog log(scratch_folder);
    run_command_to_end({"ldd", file.string()}, log.path(), 20s);
    std::stringstream text;
    text << std::ifstream(log.path()).rdbuf();
    return text.str();
  };
  const fs::path cpu_half = ldd_place(ldd(tools.worker), "libtorch_cpu.so");
  const fs::path cuda_half = cpu_half.parent_path() / "libtorch_cuda.so";
  if (cpu_half.empty() || !fs::exists(cuda_half))
    return {Level::kProblem, "GPU",
            "the CUDA half of libtorch is not installed (no libtorch_cuda.so "
            "beside " +
                (cpu_half.empty() ? "libtorch_cpu.so" : cpu_half.string()) +
                ")" + kRemedy};
  const std::vector<std::string> missing = ldd_missing(ldd(cuda_half));
  if (!missing.empty())
    return {
        Level::kProblem, "GPU",
        fmt::format("{} lacks {} and {} more libraries{}", cuda_half.string(),
                    missing.front(), missing.size() - 1, kRemedy)};
  return {Level::kGood, "GPU", cuda_half.string() + " has its libraries"};
}

Finding check_libraries() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return {Level::kGood, "libraries",
          fmt::format("HDF5 {}.{}.{}, gRPC {}, protobuf {}, SQLite {}", major,
                      minor, release, grpc::Version(),
                      google::protobuf::internal::VersionString(
                          GOOGLE_PROTOBUF_VERSION),
                      sqlite3_libversion())};
}

}  // namespace lens::cli
