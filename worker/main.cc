// lens-worker RUN_DIR: computes units of a planned run until none is left.

#include <malloc.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>

#include "base/end_signals.h"
#include "base/error.h"
#include "base/exit_code.h"
#include "collective/collective_error.h"
#include "input/image/preprocess.h"
#include "input/prompt.h"
#include "input/text/tokenizer.h"
#include "model/families.h"
#include "proto/threads.h"
#include "storage/manifest.h"
#include "storage/manifest_file.h"
#include "storage/run_directory.h"
#include "storage/work_note.h"
#include "worker/client.h"
#include "worker/crash_watch.h"
#include "worker/device.h"
#include "worker/loop.h"
#include "worker/model_runner.h"
#include "worker/mpi.h"
#include "worker/ranks.h"
#include "worker/replica.h"
#include "worker/sample_source.h"

namespace {

using namespace lens;  // NOLINT: this file is the program

constexpr const char* kUsage =
    "usage: lens-worker RUN_DIR\n"
    "\n"
    "Computes units of the run that `lens plan` or `lens run` laid out in\n"
    "RUN_DIR, until the run's coordinator has no more. Start one for each "
    "GPU,\n"
    "alone or by a launcher:\n"
    "\n"
    "  mpirun -n 4 lens-worker RUN_DIR\n"
    "  srun --mpi=pmix lens-worker RUN_DIR\n"
    "\n"
    "A run with --tensor-parallel N takes a multiple of N.\n"
    "\n"
    "Exit status: 0 no work is left, 75 asked to leave (start it again to go\n"
    "on), 1 error, 2 usage.\n";

// Turns the signals that ask a job to end into a stop request. Made before any
// other thread, which inherit that these signals are blocked.
class SignalWatch {
 public:
  SignalWatch() {
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    // Detached: it waits until the process ends.
    std::thread([this] {
      for (int signal = 0; sigwait(&signals_, &signal) == 0;) {
        // Whoever kills this process from now on means it, not its work.
        storage::WorkNote::withdraw_all();
        source_.request_stop();
      }
    }).detach();
  }

  std::stop_token token() const { return source_.get_token(); }

 private:
  const sigset_t signals_ = end_signals();
  std::stop_source source_;
};

std::string host_name() {
  char name[256] = "localhost";
  gethostname(name, sizeof(name) - 1);
  return name;
}

// Decoding shares the cores with the model on a CPU, and has them to itself
// beside a GPU.
int decode_threads(const storage::Manifest& manifest) {
  if (manifest.config.device == "cpu") return 1;
  return std::max(1, manifest.config.threads);
}

// What a rank works with.
struct Start {
  const storage::RunDirectory& run;
  const storage::Manifest& manifest;
  const text::Tokenizer& tokenizer;
  const worker::MpiWorld& world;
  const worker::Ranks& ranks;
  const worker::Device& device;
  worker::ModelRunner& runner;
  worker::Replica& replica;
  const std::stop_token stop;
};

void say_where(const Start& start) {
  const worker::Ranks& ranks = start.ranks;
  const worker::Device& device = start.device;
  spdlog::info("rank {} of {}{} on {} ({}), {} threads{}, lens by {}",
               start.world.rank(), start.world.size(),
               ranks.size() == 1
                   ? ""
                   : ", " + std::to_string(ranks.rank()) + " of the " +
                         std::to_string(ranks.size()) + " that share a model,",
               host_name(), device.name, start.manifest.config.threads,
               device.numa_node
                   ? ", NUMA node " + std::to_string(*device.numa_node)
                   : "",
               start.runner.lens_name());
}

// The first rank of a replica: takes leases and computes their units together
// with the others.
int lead(const Start& start) {
  const storage::Manifest& manifest = start.manifest;
  const input::PromptBuilder prompts(start.tokenizer,
                                     manifest.config.system_prompt,
                                     start.runner.image_token_id());
  worker::SampleSource source(
      manifest,
      image::PreprocessorConfig::load(
          manifest.model.path,
          model::family_of(manifest.model.path).image_processors),
      prompts,
      {.max_tokens = start.runner.max_prompt_tokens(),
       .max_new_tokens = manifest.config.max_new_tokens},
      decode_threads(manifest));

  // Joins when the model is loaded: from then on it is expected to be heard of.
  worker::Client client(
      start.run, manifest.run_id,
      {.host = host_name(),
       .pid = static_cast<int>(getpid()),
       .rank = start.world.rank(),
       .world_size = start.world.size(),
       .device_name = start.device.name,
       .software_version = LENS_VERSION},
      {.stop = start.stop,
       .log = [](const std::string& line) { spdlog::info("{}", line); },
       .stuck =
           [](const std::string& line) {
             spdlog::error("{}", line);
             std::_Exit(kExitError);
           }});
  say_where(start);
  worker::WorkLoop loop(start.run, manifest, start.device.name, client, source,
                        start.replica, start.stop);
  const worker::LoopEnd end = loop.run();
  const worker::WorkLoop::Times& times = loop.times();
  spdlog::info(
      "{:.1f} s in the model, {:.1f} s waiting for units, {:.1f} s waiting for "
      "the store",
      times.engine.count(), times.unit.count(), times.store.count());
  switch (end) {
    case worker::LoopEnd::kComplete:
      return kExitOk;
    case worker::LoopEnd::kDrained:
      return kExitResumable;
    case worker::LoopEnd::kFailed:
      spdlog::error("the coordinator ended the run; see lens status");
      return kExitError;
  }
  return kExitError;
}

// Where nothing went wrong the other ranks are told of the end; where something
// did, whoever started them ends a world that one rank has left.
int lead_to_the_end(const Start& start) {
  int status = kExitOk;
  try {
    status = lead(start);
  } catch (const worker::RunComplete& end) {
    spdlog::info("{}", end.what());
  } catch (const worker::CoordinatorError& problem) {
    // Asked to leave while it waited for a coordinator: nothing is wrong.
    if (!start.stop.stop_requested()) throw;
    spdlog::info("{}", problem.what());
    status = kExitResumable;
  }
  start.replica.dismiss();
  return status;
}

// Every other rank: does what the first one does, until that has no more. A
// death is told of as one of the lease, here as there.
int follow(const Start& start) {
  say_where(start);
  const std::stop_callback asked(start.stop, [] {
    spdlog::info("asked to leave: the first rank of the model decides");
  });
  start.replica.follow([&](const worker::PreparedUnit& unit) {
    worker::Lease lease;
    lease.token = unit.lease;
    lease.unit = unit.unit.index;
    const auto doing = std::make_shared<worker::Doing>(start.run, lease,
                                                       worker::Stage::kModel);
    worker::UnitRunner::Hooks hooks;
    hooks.samples_started = [doing](std::span<const std::string> samples) {
      doing->come_to(samples);
    };
    return hooks;
  });
  return kExitOk;
}

int work(const std::string& directory, const std::stop_token& stop) {
  // The threads that come and go with each unit would spread over many arenas,
  // each of which keeps what its largest unit took.
  ::mallopt(M_ARENA_MAX, 2);
  const worker::MpiWorld world;
  worker::install_crash_watch();
  // Rank 0 says what the run is and where.
  const std::string run_root = world.broadcast(
      world.rank() == 0
          ? std::filesystem::absolute(directory).lexically_normal().string()
          : std::string());
  const storage::RunDirectory run(run_root);
  const storage::Manifest manifest = storage::read_manifest(run.manifest());
  const int together = manifest.config.tensor_parallel;
  // Refused below; one of them says so.
  if (world.rank() > 0 && world.size() % together != 0) return kExitError;
  const worker::Ranks ranks(world, together);
  const worker::Device device = worker::Device::open(
      manifest.config.device, {.local_rank = world.local_rank(),
                               .local_size = world.local_size(),
                               .threads = manifest.config.threads,
                               .near_node = {}});
  worker::on_engine_threads(worker::watch_this_thread);
  // Of a worker that was here before and could not tell what it died of.
  storage::settle_work_notes(run);

  const auto tokenizer = text::Tokenizer::load(manifest.model.path);
  const auto connected = ranks.connect(device.torch_name);
  worker::ModelRunner runner(manifest, tokenizer, device.torch_name, connected);
  worker::Replica replica(connected, runner);
  const Start start{run,    manifest, tokenizer, world, ranks,
                    device, runner,   replica,   stop};
  return ranks.rank() == 0 ? lead_to_the_end(start) : follow(start);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string argument = argc == 2 ? argv[1] : "";
  if (argument == "--help" || argument == "-h") {
    std::fputs(kUsage, stdout);
    return kExitOk;
  }
  if (argument.empty() || argument[0] == '-') {
    std::fputs(kUsage, stderr);
    return kExitUsage;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("worker"));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S %l %v");
  // Lives as long as the process: its thread does.
  static SignalWatch signals;
  try {
    return work(argument, signals.token());
  } catch (const collective::CollectiveError& problem) {
    spdlog::error("{}", problem.what());
    spdlog::default_logger()->flush();
    // At once: whatever waits for the other ranks may wait for ever.
    std::_Exit(kExitError);
  } catch (const std::system_error& problem) {
    const std::string refused = proto::refused_thread(problem.code());
    spdlog::error("{}", refused.empty() ? problem.what() : refused);
    return kExitError;
  } catch (const std::exception& problem) {
    spdlog::error("{}", problem.what());
    return kExitError;
  }
}
