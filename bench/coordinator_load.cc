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
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
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

#include "bench/flags.h"
#include "proto/client/session.h"
#include "storage/manifest_file.h"
#include "storage/run_directory.h"

namespace {

using namespace lens;  // NOLINT: this file is the program
using Clock = std::chrono::steady_clock;
using Stub = v1::Coordinator::Stub;

constexpr char kDataset[] = "latex_ocr";
constexpr int kHeld = 2;  // leases of a worker while it sends heartbeats
constexpr std::chrono::minutes kPatience(2);

[[noreturn]] void fail(const std::string& line) {
  std::fprintf(stderr, "coordinator_load: %s\n", line.c_str());
  std::_Exit(1);  // other threads go on with calls: nothing is torn down
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Settings {
  std::string coordinator = "build/bin/lens-coordinator";
  int workers = 4096;
  int callers = 256;
  int processes = 4;
  int units = 40'000;
  int seconds = 20;
  std::string scratch = std::filesystem::temp_directory_path().string();
  std::string json;
};

std::string part_name(int unit) {
  return std::string("parts/") + kDataset + "/" + std::to_string(unit) + ".h5";
}

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

// One simulated worker.
class Worker {
 public:
  Worker(const std::filesystem::path& run, const std::string& run_id,
         int number)
      : session_(run, identity(run_id, number), {}) {}

  void join() { check(session_.join(kPatience), "Join"); }

  // False: none is left.
  bool acquire() {
    v1::AcquireResponse response;
    check(session_.call(&Stub::Acquire, v1::AcquireRequest(), &response,
                        kPatience),
          "Acquire");
    if (!response.has_lease()) return false;
    held_.push_back(response.lease());
    return true;
  }

  void commit() {
    const v1::Lease lease = held_.back();
    held_.pop_back();
    v1::CommitRequest request;
    *request.mutable_token() = lease.token();
    request.set_unit(lease.unit());
    request.set_part_file(part_name(lease.unit()));
    request.set_part_bytes(1);
    request.set_content_sha256(std::string(64, 'c'));
    request.set_samples_ok(1);
    request.set_tokens(20);
    v1::CommitResponse response;
    check(session_.call(&Stub::Commit, request, &response, kPatience),
          "Commit");
  }

  void heartbeat() {
    v1::HeartbeatRequest request;
    for (const v1::Lease& lease : held_) {
      v1::LeaseProgress* const entry = request.add_leases();
      *entry->mutable_token() = lease.token();
      entry->set_unit(lease.unit());
    }
    v1::HeartbeatResponse response;
    check(session_.call(&Stub::Heartbeat, request, &response, kPatience),
          "Heartbeat");
    if (response.revoked_size() > 0) fail("a lease was revoked");
  }

  Clock::duration interval() const {
    const auto& interval = session_.joined()->terms.heartbeat_interval();
    return std::chrono::seconds(interval.seconds()) +
           std::chrono::nanoseconds(interval.nanos());
  }

 private:
  static v1::JoinRequest identity(const std::string& run_id, int number) {
    v1::JoinRequest request;
    request.set_run_id(run_id);
    request.set_host("node" + std::to_string(number / 8));
    request.set_pid(1000 + number);
    request.set_rank(number % 8);
    request.set_world_size(8);
    request.set_device_name("none");
    request.set_software_version("bench");
    request.set_instance("bench-" + std::to_string(number));
    return request;
  }

  static void check(const grpc::Status& status, const char* call) {
    if (status.ok()) return;
    fail(std::string(call) + ": code " + std::to_string(status.error_code()) +
         " (" + status.error_message() + ")");
  }

  proto::Session session_;
  std::vector<v1::Lease> held_;
};

// Some of the workers. What they do they do with threads.
class Crowd {
 public:
  Crowd(const Settings& settings, const std::filesystem::path& run,
        const std::string& run_id, int process)
      : callers_(callers_of(settings)), seconds_(settings.seconds) {
    for (int number = process; number < settings.workers;
         number += settings.processes) {
      workers_.push_back(std::make_unique<Worker>(run, run_id, number));
    }
  }

  std::int64_t obey(char what) {
    switch (what) {
      case 'j':
        return join();
      case 'c':
        return commit();
      case 'h':
        return hold();
      default:
        return beat();
    }
  }

 private:
  static int callers_of(const Settings& settings) {
    const int all = settings.callers > 0 ? settings.callers : settings.workers;
    return std::max(1, all / settings.processes);
  }

  // Calls `work(thread)` in `count` threads.
  template <typename Work>
  static void in_threads(std::size_t count, Work work) {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) {
      threads.emplace_back([=] { work(i); });
    }
  }

  std::int64_t join() {
    in_threads(workers_.size(), [this](std::size_t i) { workers_[i]->join(); });
    return static_cast<std::int64_t>(workers_.size());
  }

  // Each caller goes around its workers, until no unit is left.
  std::int64_t commit() {
    std::atomic<std::int64_t> committed = 0;
    const std::size_t callers =
        std::min(workers_.size(), static_cast<std::size_t>(callers_));
    in_threads(callers, [this, &committed, callers](std::size_t first) {
      for (std::size_t i = first; workers_[i]->acquire();) {
        workers_[i]->commit();
        ++committed;
        i = i + callers < workers_.size() ? i + callers : first;
      }
    });
    return committed;
  }

  std::int64_t hold() {
    for (const auto& worker : workers_) {
      for (int i = 0; i < kHeld; ++i) {
        if (!worker->acquire()) fail("there are too few units to hold");
      }
    }
    return kHeld * static_cast<std::int64_t>(workers_.size());
  }

  // Evenly spread over the interval, as the starts of real workers are.
  std::int64_t beat() {
    constexpr std::size_t kThreads = 32;
    const Clock::time_point begin = Clock::now();
    const Clock::time_point end = begin + std::chrono::seconds(seconds_);
    const Clock::duration interval = workers_[0]->interval();
    std::atomic<std::int64_t> sent = 0;
    in_threads(kThreads, [&, this](std::size_t first) {
      for (Clock::time_point round = begin; round < end; round += interval) {
        for (std::size_t i = first; i < workers_.size(); i += kThreads) {
          const auto due =
              round + interval * static_cast<std::int64_t>(i) /
                          static_cast<std::int64_t>(workers_.size());
          if (due >= end) return;
          std::this_thread::sleep_until(due);
          workers_[i]->heartbeat();
          ++sent;
        }
      }
    });
    return sent;
  }

  const int callers_;
  const int seconds_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

// A process with a crowd: obeys letters, answers with counts.
class CrowdProcess {
 public:
  CrowdProcess(const Settings& settings, const std::filesystem::path& run,
               const std::string& run_id, int process) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      fail("no sockets");
    }
    pid_ = ::fork();
    if (pid_ < 0) fail("no processes");
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(ends[0]);
      Crowd crowd(settings, run, run_id, process);
      char what = 0;
      while (::read(ends[1], &what, 1) == 1) {
        const std::int64_t count = crowd.obey(what);
        if (::write(ends[1], &count, sizeof(count)) != sizeof(count)) break;
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    socket_ = ends[0];
  }
  ~CrowdProcess() {
    // Its end of the pair is not closed by ours: later crowds hold a copy.
    ::kill(pid_, SIGKILL);
    ::close(socket_);
    ::waitpid(pid_, nullptr, 0);
  }
  CrowdProcess(const CrowdProcess&) = delete;
  CrowdProcess& operator=(const CrowdProcess&) = delete;

  void order(char what) const {
    if (::write(socket_, &what, 1) != 1) fail("a crowd of workers has ended");
  }
  std::int64_t answer() const {
    std::int64_t count = 0;
    if (::read(socket_, &count, sizeof(count)) != sizeof(count)) {
      fail("a crowd of workers has ended");
    }
    return count;
  }

 private:
  pid_t pid_ = -1;
  int socket_ = -1;
};

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
        fail("the coordinator does not start");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    if (::clock_getcpuclockid(pid_, &clock_) != 0) fail("no clock of it");
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
    if (::clock_gettime(clock_, &time) != 0) fail("the coordinator has ended");
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
    const int held = kHeld * settings_.workers;
    const storage::Manifest manifest = make_manifest(settings_.units + held);
    storage::write_manifest(run_.manifest(), manifest);
    // Before there is any thread.
    for (int i = 0; i < settings_.processes; ++i) {
      crowds_.push_back(
          std::make_unique<CrowdProcess>(settings_, root_, manifest.run_id, i));
    }
    coordinator_ =
        std::make_unique<CoordinatorProcess>(settings_.coordinator, run_);
    make_parts(settings_.units + held);
    result_["workers"] = settings_.workers;
    result_["callers"] = settings_.callers;

    const Cost join = measure('j');
    std::printf(
        "join       %d workers in %.2f s; of a core %.2f, %.0f us each; "
        "%.0f MiB\n",
        settings_.workers, join.seconds, join.share(), join.microseconds(),
        coordinator_->memory());
    keep("join", join);
    // Held first, so that the queue is empty when the callers end.
    measure('h');
    const Cost commit = measure('c');
    std::printf(
        "commit     %.0f acquire+commit a second (%lld, %d at a time); "
        "of a core %.2f, %.0f us each\n",
        commit.rate(), static_cast<long long>(commit.count), settings_.callers,
        commit.share(), commit.microseconds());
    keep("commit", commit);
    const Cost beat = measure('b');
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
      fail("cannot make a folder in " + folder);
    }
    return name;
  }

  void make_parts(int units) const {
    std::filesystem::create_directories(run_.parts() / kDataset);
    for (int unit = 0; unit < units; ++unit) {
      std::ofstream(root_ / part_name(unit)) << 'x';
    }
  }

  Cost measure(char what) const {
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
  bench::Flags flags =
      bench::read_flags(argc, argv,
                        {{"--coordinator", settings.coordinator},
                         {"--workers", std::to_string(settings.workers)},
                         {"--callers", std::to_string(settings.callers)},
                         {"--processes", std::to_string(settings.processes)},
                         {"--units", std::to_string(settings.units)},
                         {"--seconds", std::to_string(settings.seconds)},
                         {"--scratch", settings.scratch},
                         {"--json", ""}},
                        "bench/coordinator_load.cc");
  settings.coordinator = flags["--coordinator"];
  settings.workers = at_least_one(flags["--workers"]);
  settings.callers = std::atoi(flags["--callers"].c_str());
  settings.processes =
      std::min(at_least_one(flags["--processes"]), settings.workers);
  settings.units = at_least_one(flags["--units"]);
  settings.seconds = at_least_one(flags["--seconds"]);
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
    fail(error.what());
  }
}
