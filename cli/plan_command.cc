#include "cli/plan_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

#include "base/exit_code.h"
#include "cli/run_claim.h"
#include "cli/run_flags.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A line on stderr once hashing takes longer than a second.
class HashProgress {
 public:
  void operator()(std::int64_t done, std::int64_t total) {
    const Clock::time_point now = Clock::now();
    const bool terminal = isatty(STDERR_FILENO);
    if (now - begin_ < 1s) return;
    if (done < total && now - last_ < (terminal ? 200ms : 10s)) return;
    if (done == total && last_ == Clock::time_point()) return;
    last_ = now;
    std::cerr << (terminal ? "\r\x1b[K" : "")
              << fmt::format("hashing the inputs: {:.1f} of {:.1f} GB",
                             static_cast<double>(done) * 1e-9,
                             static_cast<double>(total) * 1e-9)
              << (terminal && done < total ? "" : "\n") << std::flush;
  }

 private:
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_;
};

}  // namespace

PlanOptions plan_options(bool runs_here) {
  PlanOptions options;
  options.runs_here = runs_here;
  options.hash_progress = [progress = HashProgress()](
                              std::int64_t done, std::int64_t total) mutable {
    progress(done, total);
  };
  return options;
}

std::string plan_line(const Plan& plan, const fs::path& run_directory) {
  const storage::Manifest& manifest = plan.manifest;
  std::string datasets;
  for (const storage::DatasetInput& dataset : manifest.datasets)
    datasets += fmt::format("{}{} {}", datasets.empty() ? "" : ", ",
                            dataset.samples, dataset.name);
  const int ranks = manifest.config.tensor_parallel;
  return fmt::format(
      "{} {}: {} samples in {} units, {} on {} in {}, {} threads a {}",
      plan.resumed ? "resuming" : "planned", run_directory.string(), datasets,
      manifest.units.size(), manifest.model.name, manifest.config.device,
      manifest.config.dtype, manifest.config.threads,
      ranks == 1 ? "worker" : fmt::format("rank, {} ranks a worker", ranks));
}

storage::RunDirectory directory_of(const PlanRequest& request) {
  return storage::RunDirectory(
      fs::absolute(request.run_directory).lexically_normal());
}

int plan_command(const PlanRequest& request, std::ostream& out) {
  const RunClaim claim(directory_of(request), "plan");
  const Plan plan =
      plan_run(request, this_machine(), plan_options(/*runs_here=*/false));
  out << plan_line(plan, request.run_directory) << '\n';
  for (const std::string& note : plan.manifest.notes)
    out << "note: " << note << '\n';
  return kExitOk;
}

namespace {

class PlanCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "plan",
        "Only plan: make the run directory with its manifest, for batch "
        "scripts");
    add_run_flags(*command, flags_);
    command->footer(
        "Example:\n"
        "  lens plan --model DIR --dataset latex_ocr=PATH --device cuda --out "
        "RUN_DIR");
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    return plan_command(plan_request(flags_), out);
  }
  std::string config_file() const override { return flags_.config; }

 private:
  RunFlags flags_;
};

}  // namespace

std::unique_ptr<Command> make_plan_command() {
  return std::make_unique<PlanCommand>();
}

}  // namespace lens::cli
