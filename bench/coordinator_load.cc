// The coordinator under thousands of workers, over its real wire.
//
//   coordinator_load [--coordinator PROGRAM] [--workers N] [--callers N]
//                    [--processes N] [--units N] [--seconds N] [--scratch DIR]
//                    [--json FILE]
//
// Starts lens-coordinator as a process of its own on a made-up run in a folder
// of DIR (default: the temporary folder), and beside it N workers, each with
// the connection, the TLS handshake, the retries and the messages of a real
// one (proto/client), spread over some processes. Prints, each with what the
// coordinator itself took of a core:
//   join       all workers at once, until the last has joined
//   commit     acquire and commit, --callers at a time (0: all workers)
//   heartbeat  of all workers at the coordinator's interval, naming two leases
// The workers share the machine's cores with the coordinator: on machines of
// few cores they bound the first two.
//
// A part is a file made beforehand, since writing parts is the workers' work.

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "bench/coordinator_crowd.h"
#include "bench/flags.h"
#include "storage/manifest_file.h"
#include "storage/run_directory.h"

namespace {

using namespace lens;         // NOLINT: this file is the program
using namespace lens::bench;  // NOLINT
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Settings {
  std::string coordinator = "build/bin/lens-coordinator";
  CrowdSettings crowd;
  int units = 40'000;
  std::string scratch = std::filesystem::temp_directory_path().string();
  std::string json;
};

// `units` units of one sample.
storage::Manifest make_manifest(int units) {
  storage::Manifest manifest;
  manifest.config.device = "cpu";
  manifest.config.dtype = "float32";
  manifest.config.max_pixels = 1 << 20;
  manifest.model = {.path = "/nowhere",
                    .name = "none",
                    .sha256 = std::string(64, 'a'),
                    .tokenizer_sha256 = std::string(64, 'b'),
                    .files = {},
                    .num_layers = 1,
                    .vocab_size = 10,
                    .hidden_size = 4};
  manifest.datasets.push_back(
      {.name = kDataset, .path = "/nowhere", .files = {}, .samples = units});
  for (int unit = 0; unit < units; ++unit) {
    manifest.units.push_back({.index = unit,
                              .dataset = kDataset,
                              .row_begin = unit,
                              .row_end = unit + 1,
                              .first_sample = unit,
                              .samples = 1});
  }
  manifest.run_id = storage::run_identity(manifest);
  return manifest;
}

// lens-coordinator, killed in the end.
class CoordinatorProcess {
 public:
  CoordinatorProcess(const std::string& program,
                     const storage::RunDirectory& run) {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const std::string log = (run.root() / "coordinator.log").string();
      const int file = ::open(log.c_str(), O_WRONLY | O_CREAT, 0600);
      ::dup2(file, STDOUT_FILENO);
      // Long leases: while units are committed nobody sends heartbeats.
      ::execl(program.c_str(), program.c_str(), run.root().c_str(),
              "--lease-seconds", "600", nullptr);
      std::fprintf(stderr, "coordinator_load: cannot start %s\n",
                   program.c_str());
      ::_exit(127);
    }
    while (!std::filesystem::exists(run.address())) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
        pid_ = -1;
        end_with("the coordinator does not start");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (::clock_getcpuclockid(pid_, &clock_) != 0) end_with("no clock of it");
  }
  ~CoordinatorProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  CoordinatorProcess(const CoordinatorProcess&) = delete;
  CoordinatorProcess& operator=(const CoordinatorProcess&) = delete;

  double processor_seconds() const {
    timespec time{};
    if (::clock_gettime(clock_, &time) != 0)
      end_with("the coordinator has ended");
    return static_cast<double>(time.tv_sec) +
           1e-9 * static_cast<double>(time.tv_nsec);
  }
  // Resident, in MiB.
  double memory() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
    double total = 0, resident = 0;
    file >> total >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
  }

 private:
  pid_t pid_ = -1;
  clockid_t clock_{};
};

class Load {
 public:
  explicit Load(const Settings& settings)
      : settings_(settings),
        root_(make_scratch(settings.scratch)),
        run_(root_) {}
  ~Load() {
    crowds_.clear();
    coordinator_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void run() {
    const int held = kHeld * settings_.crowd.workers;
    const storage::Manifest manifest = make_manifest(settings_.units + held);
    storage::write_manifest(run_.manifest(), manifest);
    // Before there is any thread.
    for (int i = 0; i < settings_.crowd.processes; ++i) {
      crowds_.push_back(std::make_unique<CrowdProcess>(settings_.crowd, root_,
                                                       manifest.run_id, i));
    }
    coordinator_ =
        std::make_unique<CoordinatorProcess>(settings_.coordinator, run_);
    make_parts(settings_.units + held);
    result_["workers"] = settings_.crowd.workers;
    result_["callers"] = settings_.crowd.callers;

    const Cost join = measure(Order::kJoin);
    std::printf(
        "join       %d workers in %.2f s; of a core %.2f, %.0f us each; "
        "%.0f MiB\n",
        settings_.crowd.workers, join.seconds, join.share(),
        join.microseconds(), coordinator_->memory());
    keep("join", join);
    // Held first, so that the queue is empty when the callers end.
    measure(Order::kHold);
    const Cost commit = measure(Order::kCommit);
    std::printf(
        "commit     %.0f acquire+commit a second (%lld, %d at a time); "
        "of a core %.2f, %.0f us each\n",
        commit.rate(), static_cast<long long>(commit.count),
        settings_.crowd.callers, commit.share(), commit.microseconds());
    keep("commit", commit);
    const Cost beat = measure(Order::kBeat);
    std::printf(
        "heartbeat  %.0f a second; of a core %.3f, %.0f us each; "
        "%.0f MiB\n",
        beat.rate(), beat.share(), beat.microseconds(), coordinator_->memory());
    keep("heartbeat", beat);
    result_["memory_mib"] = coordinator_->memory();
    if (settings_.json.empty()) return;
    std::ofstream(settings_.json) << result_.dump(1) << "\n";
  }

 private:
  struct Cost {
    double seconds = 0;
    double processor_seconds = 0;
    std::int64_t count = 0;

    double rate() const { return static_cast<double>(count) / seconds; }
    double share() const { return processor_seconds / seconds; }
    double microseconds() const {
      return 1e6 * processor_seconds / static_cast<double>(count);
    }
  };

  static std::filesystem::path make_scratch(const std::string& folder) {
    std::string name = folder + "/coordinator_load.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      end_with("cannot make a folder in " + folder);
    }
    return name;
  }

  void make_parts(int units) const {
    std::filesystem::create_directories(run_.parts() / kDataset);
    for (int unit = 0; unit < units; ++unit) {
      std::ofstream(root_ / part_name(unit)) << 'x';
    }
  }

  Cost measure(Order what) const {
    const double processor = coordinator_->processor_seconds();
    const Clock::time_point begin = Clock::now();
    Cost cost;
    for (const auto& crowd : crowds_) crowd->order(what);
    for (const auto& crowd : crowds_) cost.count += crowd->answer();
    cost.seconds = seconds_since(begin);
    cost.processor_seconds = coordinator_->processor_seconds() - processor;
    return cost;
  }

  void keep(const char* name, const Cost& cost) {
    result_[name] = {{"count", cost.count},
                     {"seconds", cost.seconds},
                     {"a_second", cost.rate()},
                     {"coordinator_share_of_a_core", cost.share()},
                     {"coordinator_microseconds_each", cost.microseconds()}};
  }

  const Settings settings_;
  const std::filesystem::path root_;
  const storage::RunDirectory run_;
  std::unique_ptr<CoordinatorProcess> coordinator_;
  std::vector<std::unique_ptr<CrowdProcess>> crowds_;
  nlohmann::json result_;
};

int at_least_one(const std::string& text) {
  return std::max(1, std::atoi(text.c_str()));
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  bench::Flags flags = bench::read_flags(
      argc, argv,
      {{"--coordinator", settings.coordinator},
       {"--workers", std::to_string(settings.crowd.workers)},
       {"--callers", std::to_string(settings.crowd.callers)},
       {"--processes", std::to_string(settings.crowd.processes)},
       {"--units", std::to_string(settings.units)},
       {"--seconds", std::to_string(settings.crowd.seconds)},
       {"--scratch", settings.scratch},
       {"--json", ""}},
      "bench/coordinator_load.cc");
  settings.coordinator = flags["--coordinator"];
  settings.crowd.workers = at_least_one(flags["--workers"]);
  settings.crowd.callers = std::atoi(flags["--callers"].c_str());
  settings.crowd.processes =
      std::min(at_least_one(flags["--processes"]), settings.crowd.workers);
  settings.units = at_least_one(flags["--units"]);
  settings.crowd.seconds = at_least_one(flags["--seconds"]);
  settings.scratch = flags["--scratch"];
  settings.json = flags["--json"];
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  ::signal(SIGPIPE, SIG_IGN);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    Load(settings).run();
    return 0;
  } catch (const std::exception& error) {
    end_with(error.what());
  }
}
