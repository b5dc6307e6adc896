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
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>

#include "base/end_signals.h"
#include "base/error.h"
#include "base/exit_code.h"
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
  const worker::Device device = worker::Device::open(
      manifest.config.device, {.local_rank = world.local_rank(),
                               .local_size = world.local_size(),
                               .threads = manifest.config.threads,
                               .near_node = {}});
  worker::on_engine_threads(worker::watch_this_thread);
  // Of a worker that was here before and could not tell what it died of.
  storage::settle_work_notes(run);

  const auto tokenizer = text::Tokenizer::load(manifest.model.path);
  worker::ModelRunner runner(manifest, tokenizer, device.torch_name);
  const input::PromptBuilder prompts(tokenizer, manifest.config.system_prompt,
                                     runner.image_token_id());
  worker::SampleSource source(
      manifest,
      image::PreprocessorConfig::load(
          manifest.model.path,
          model::family_of(manifest.model.path).image_processors),
      prompts,
      {.max_tokens = runner.max_prompt_tokens(),
       .max_new_tokens = manifest.config.max_new_tokens},
      decode_threads(manifest));

  // Joins when the model is loaded: from then on it is expected to be heard of.
  worker::Client client(
      run, manifest.run_id,
      {.host = host_name(),
       .pid = static_cast<int>(getpid()),
       .rank = world.rank(),
       .world_size = world.size(),
       .device_name = device.name,
       .software_version = LENS_VERSION},
      {.stop = stop,
       .log = [](const std::string& line) { spdlog::info("{}", line); },
       .stuck =
           [](const std::string& line) {
             spdlog::error("{}", line);
             std::_Exit(kExitError);
           }});
  spdlog::info(
      "rank {} of {} on {} ({}), {} threads{}, lens by {}", world.rank(),
      world.size(), host_name(), device.name, manifest.config.threads,
      device.numa_node ? ", NUMA node " + std::to_string(*device.numa_node)
                       : "",
      runner.lens_name());
  // One process computes a unit, for now.
  worker::Replica replica = worker::Replica::alone(runner);
  worker::WorkLoop loop(run, manifest, device.name, client, source, replica,
                        stop);
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
  } catch (const worker::RunComplete& end) {
    spdlog::info("{}", end.what());
    return kExitOk;
  } catch (const worker::CoordinatorError& problem) {
    // Asked to leave while it waited for a coordinator: nothing is wrong.
    const bool asked = signals.token().stop_requested();
    spdlog::log(asked ? spdlog::level::info : spdlog::level::err, "{}",
                problem.what());
    return asked ? kExitResumable : kExitError;
  } catch (const std::system_error& problem) {
    const std::string refused = proto::refused_thread(problem.code());
    spdlog::error("{}", refused.empty() ? problem.what() : refused);
    return kExitError;
  } catch (const std::exception& problem) {
    spdlog::error("{}", problem.what());
    return kExitError;
  }
}
