// lens-coordinator RUN_DIR: hands out the units of a planned run and records
// what is committed. Exit 0: every unit is committed. 75: drained, the same
// command resumes. 1: failed, with one line on stderr. 2: usage.

#include <signal.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/end_signals.h"
#include "base/exit_code.h"
#include "base/process_id.h"
#include "base/sha256.h"
#include "coordinator/file_lock.h"
#include "coordinator/ledger.h"
#include "coordinator/rebuild.h"
#include "coordinator/run.h"
#include "coordinator/server.h"
#include "proto/threads.h"
#include "storage/leftovers.h"
#include "storage/manifest.h"
#include "storage/manifest_file.h"
#include "storage/run_directory.h"

namespace lens::coordinator {
namespace {

struct Flags {
  std::string run_directory;
  std::string bind = "127.0.0.1";
  bool insecure_loopback = false;
  bool reflection = false;
  double lease_seconds = 30;
  double heartbeat_seconds = 5;
  double linger_seconds = 10;
  double stall_seconds = 600;
};

void log_line(const std::string& line) {
  char time[32] = "";
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  if (::localtime_r(&now, &parts) != nullptr) {
    std::strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &parts);
  }
  std::printf("%s coordinator: %s\n", time, line.c_str());
  std::fflush(stdout);
}

int fail(std::string_view line) {
  std::fprintf(stderr, "lens-coordinator: %.*s\n",
               static_cast<int>(line.size()), line.data());
  return kExitError;
}

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

bool has_parts(const storage::RunDirectory& directory) {
  std::error_code error;
  return std::filesystem::exists(directory.parts(), error) &&
         !std::filesystem::is_empty(directory.parts(), error);
}

// What workers of earlier coordinators left: their tokens are stale, so that no
// part of theirs can still be committed.
void collect_leftovers(const storage::RunDirectory& directory,
                       const Ledger& ledger) {
  // A partial merge has chosen parts that are not committed.
  const auto lock =
      FileLock::take(directory.merge_lock(), lock_owner("lens-coordinator"));
  if (!lock) {
    log_line("a merge is under way: leftovers are left to the next start");
    return;
  }
  std::vector<storage::CommittedPart> committed;
  for (const UnitCommit& commit : ledger.contents().commits) {
    committed.push_back({to_int(commit.unit), commit.receipt});
  }
  const storage::Leftovers gone =
      storage::collect_leftovers(directory, committed);
  if (gone.files == 0) return;
  log_line("removed " + std::to_string(gone.files) + " files (" +
           std::to_string(gone.bytes) + " bytes) that were left behind");
}

absl::StatusOr<std::unique_ptr<Ledger>> open_ledger(
    const storage::RunDirectory& directory, const storage::Manifest& manifest) {
  auto ledger = Ledger::open(
      directory.ledger(),
      {manifest.run_id, sha256_hex(storage::config_json(manifest.config))},
      {.note = log_line});
  if (!ledger.ok()) return ledger;
  std::error_code ignored;
  // With a coordinator here again, workers are to wait for it.
  std::filesystem::remove(directory.complete(), ignored);
  Rebuilt rebuilt;
  const bool is_new = (*ledger)->is_new();
  if (is_new) {
    if (has_parts(directory)) log_line("no ledger; reading the parts");
    auto found = rebuild_from_parts(directory, manifest);
    if (!found.ok()) return found.status();
    rebuilt = *std::move(found);
    if (!rebuilt.commits.empty()) {
      log_line("no ledger; rebuilt from " +
               std::to_string(rebuilt.commits.size()) + " parts");
    }
  }
  if (!(*ledger)->contents().commits.empty()) {
    log_line("looking at the parts of " +
             std::to_string((*ledger)->contents().commits.size()) + " units");
  }
  const std::vector<UnitIndex> lost =
      lost_parts(directory, (*ledger)->contents());
  for (const UnitIndex unit : lost) {
    log_line("the part of unit " + std::to_string(to_int(unit)) +
             " is gone: it is done again");
  }
  auto status =
      // From here on tokens of earlier epochs are stale.
      (*ledger)->begin_epoch(rebuilt.highest_epoch, rebuilt.commits, lost);
  if (!status.ok()) return status;
  if (!is_new) collect_leftovers(directory, **ledger);
  return ledger;
}

// Until the run is over. The first signal drains, the second one ends at once.
void serve(Run& run) {
  const sigset_t signals = end_signals();
  constexpr timespec kTick{.tv_sec = 0, .tv_nsec = 50'000'000};
  constexpr std::chrono::seconds kNotesInterval(5);
  auto notes_due = std::chrono::steady_clock::now() + kNotesInterval;
  int received = 0;
  while (!run.over()) {
    const int number = ::sigtimedwait(&signals, nullptr, &kTick);
    if (number > 0 && ++received == 1) {
      run.drain(std::string("signal ") + ::strsignal(number));
    } else if (number > 0) {
      run.stop_now();
    }
    run.tick();
    if (std::chrono::steady_clock::now() < notes_due) continue;
    // A ledger that cannot be written ends the run by itself.
    run.adopt_crash_notes().IgnoreError();
    notes_due = std::chrono::steady_clock::now() + kNotesInterval;
  }
}

int coordinate(const Flags& flags) {
  // A server of few workers was seen to have 12, and gRPC starts one a core.
  const std::size_t threads = 24 + std::thread::hardware_concurrency();
  if (auto status = proto::check_threads(threads); !status.ok()) {
    return fail(std::string(status.message()));
  }
  const storage::RunDirectory directory(flags.run_directory);
  storage::Manifest manifest = storage::read_manifest(directory.manifest());
  const std::string run_id = manifest.run_id;
  auto ledger = open_ledger(directory, manifest);
  if (!ledger.ok()) return fail(std::string(ledger.status().message()));

  Run::Options options;
  options.root = directory.root();
  options.software_version = LENS_VERSION;
  options.lease_duration = milliseconds_of(flags.lease_seconds);
  options.heartbeat_interval = milliseconds_of(flags.heartbeat_seconds);
  options.linger = milliseconds_of(flags.linger_seconds);
  options.stall_limit = milliseconds_of(flags.stall_seconds);
  options.process_gone = [](const WorkerIdentity& worker) {
    return has_ended(worker.process);
  };
  Run run(options, std::move(manifest), **ledger,
          std::chrono::steady_clock::now, log_line);
  if (auto status = run.adopt_crash_notes(); !status.ok()) {
    return fail(std::string(status.message()));
  }
  auto server = Server::start({.run_directory = directory.root(),
                               .run_id = run_id,
                               .bind = flags.bind,
                               .insecure = flags.insecure_loopback,
                               .reflection = flags.reflection,
                               .log = log_line},
                              run);
  if (!server.ok()) return fail(std::string(server.status().message()));
  log_line("serving run " + run_id + " at " + (*server)->address().target() +
           ", epoch " + std::to_string(run.epoch()) + ": " +
           run.snapshot().message);
  serve(run);
  switch (run.outcome().value_or(Outcome::kFailed)) {
    case Outcome::kComplete:
      return kExitOk;
    case Outcome::kDrained:
      return kExitResumable;
    case Outcome::kFailed:
      break;
  }
  return fail(run.failure());
}

int main_checked(int argc, char** argv) {
  Flags flags;
  CLI::App app("Hands out the units of a run to workers.", "lens-coordinator");
  app.set_version_flag("--version", LENS_VERSION);
  app.add_option("RUN_DIR", flags.run_directory, "planned by lens run")
      ->required();
  app.add_option("--bind", flags.bind,
                 "host, address or network interface to listen at")
      ->capture_default_str();
  app.add_flag("--insecure-loopback", flags.insecure_loopback,
               "no TLS; on the loopback interface only");
  app.add_option("--lease-seconds", flags.lease_seconds,
                 "a worker silent for so long has lost its units")
      ->check(CLI::Range(0.1, 86'400.0))
      ->capture_default_str();
  app.add_option("--heartbeat-seconds", flags.heartbeat_seconds,
                 "how often workers are to report")
      ->check(CLI::Range(0.02, 3'600.0))
      ->capture_default_str();
  app.add_option("--linger", flags.linger_seconds,
                 "seconds to wait at the end for workers to leave")
      ->check(CLI::Range(0.0, 86'400.0))
      ->capture_default_str();
  app.add_option("--stall-seconds", flags.stall_seconds,
                 "a worker that makes no step at a sample for so long, or for "
                 "20 times its longest step, ends and the sample is blamed; 0: "
                 "never")
      ->check(CLI::Range(0.0, 86'400.0))
      ->envname("LENS_STALL_SECONDS")
      ->capture_default_str();
  app.add_flag("--reflection", flags.reflection,
               "let tools such as grpcurl ask for the services");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fail(std::string(error.what()) +
         "; lens-coordinator --help lists the flags");
    return kExitUsage;
  }
  if (2 * flags.heartbeat_seconds > flags.lease_seconds) {
    fail("--lease-seconds must be at least twice --heartbeat-seconds");
    return kExitUsage;
  }
  // Before any thread is made, so that all inherit it.
  const sigset_t signals = end_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return coordinate(flags);
}

}  // namespace
}  // namespace lens::coordinator

int main(int argc, char** argv) {
  try {
    return lens::coordinator::main_checked(argc, argv);
  } catch (const std::system_error& error) {
    const std::string refused = lens::proto::refused_thread(error.code());
    return lens::coordinator::fail(refused.empty() ? error.what() : refused);
  } catch (const std::exception& error) {
    return lens::coordinator::fail(error.what());
  }
}
