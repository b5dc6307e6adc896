#include "cli/run_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

#include "base/error.h"
#include "base/exit_code.h"
#include "cli/local_run.h"
#include "cli/merge_run.h"
#include "cli/own_results.h"
#include "cli/plan_command.h"
#include "cli/results_summary.h"
#include "cli/run_claim.h"
#include "cli/run_flags.h"
#include "cli/status_source.h"
#include "model/families.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Thrown out of the merge's progress callback.
struct MergeStopped {};

void print_results(const fs::path& results, std::ostream& out) {
  out << results.string() << '\n';
  const std::vector<DatasetEntropy> datasets = mean_entropies(results);
  out << entropy_table(datasets) << std::flush;
}

// Whether the ledger of a run at rest has every unit.
bool is_committed(const storage::RunDirectory& run) {
  if (!fs::exists(run.ledger())) return false;
  CoordinatorClient client(run);
  const RunStatus status = run_status(run, client);
  return status.source == "ledger" &&
         status.units_committed == status.units_total;
}

void require_device(const storage::Manifest& manifest, const Machine& machine) {
  if (manifest.config.device == "cuda" && !machine.gpu.usable())
    throw InputError("the run wants cuda", machine.gpu.problem,
                     "run `lens doctor`, or give --device cpu for a new run");
}

// Takes what nobody wants to read.
std::ostream& nowhere() {
  static std::ostream stream(nullptr);
  return stream;
}

ProgressPrinter::Options printer_options() {
  ProgressPrinter::Options options;
  options.terminal = isatty(STDERR_FILENO);
  options.width = terminal_width;
  return options;
}

int interrupted(const storage::RunDirectory& run,
                const RunCommandOptions& options) {
  if (options.quiet) {
    std::cerr << "interrupted\n";
    return kExitResumable;
  }
  const RunStatus status = ledger_status(run, Asker::kRunHolder);
  std::cerr << fmt::format(
      "interrupted: {} of {} samples are done and kept; go on with\n  {}\n",
      status.done(), status.total(), options.command_line);
  return kExitResumable;
}

// Merge, verify, print. MergeStopped when a signal came.
void finish(const storage::RunDirectory& run, const RunCommandOptions& options,
            SignalWatch& signals, ProgressPrinter& printer,
            Clock::time_point begin, std::ostream& out) {
  const int signals_before = signals.count();
  const auto note = [&](const std::string& line) {
    if (!options.quiet) printer.note(line);
  };
  note("merging the parts into results.h5");
  const auto stop_on_signal = [&] {
    if (signals.count() != signals_before) throw MergeStopped();
  };
  const MergeResult merged = merge_run(
      run, {.partial = false,
            .output = {},
            .progress = [&](std::int64_t, std::int64_t) { stop_on_signal(); },
            .note = note,
            .pause =
                [&] {
                  signals.wait_for(200ms);
                  stop_on_signal();
                }});
  // The merge has read its file back: the parts are not needed again.
  if (!options.keep_parts) remove_parts(run);
  print_results(merged.output, out);
  out << fmt::format(
             "{} samples: {} ok, {} failed; {} tokens; {}\n",
             merged.summary.samples_total, merged.summary.samples_ok,
             merged.summary.samples_failed, merged.summary.tokens,
             duration_text(
                 std::chrono::duration<double>(Clock::now() - begin).count()))
      << std::flush;
}

}  // namespace

int run_command(const PlanRequest& request, const RunCommandOptions& options,
                std::ostream& results_out) {
  std::ostream& out = options.quiet ? nowhere() : results_out;
  const Clock::time_point begin = Clock::now();
  SignalWatch signals;
  const Machine machine = this_machine();
  const storage::RunDirectory run = directory_of(request);
  const RunClaim claim(run, "run");
  const Plan plan =
      plan_run(request, machine, plan_options(/*runs_here=*/true));
  // So far a signal has ended the command at once: there was nothing to drain.
  signals.watch();
  ProgressPrinter::Options shown = printer_options();
  shown.passing = options.quiet;
  ProgressPrinter printer(
      options.quiet && !shown.terminal ? nowhere() : std::cerr, shown);
  const auto note = [&](const std::string& line) {
    if (!options.quiet) printer.note(line);
  };
  note(plan_line(plan, run.root()));
  for (const std::string& line : plan.manifest.notes) note("note: " + line);

  bool committed = plan.resumed && is_committed(run);
  if (accept_results(run, plan.manifest, note) && committed) {
    mark_complete(run, note);
    note("the run is complete already");
    print_results(run.results(), out);
    return kExitOk;
  }
  // The coordinator hands the units of lost parts out again.
  committed = committed && has_committed_parts(run, plan.manifest);
  if (!committed) {
    require_device(plan.manifest, machine);
    LocalRun local(run,
                   {.tools = RunTools::find(),
                    .world = {.workers = plan.workers,
                              .ranks = plan.manifest.config.tensor_parallel},
                    .threads = plan.manifest.config.threads,
                    .read_weights = options.read_weights},
                   signals, printer);
    switch (local.supervise()) {
      case RunOutcome::kInterrupted:
        return interrupted(run, options);
      case RunOutcome::kFailed:
        std::cerr << "lens " << options.command << ": " << local.failure();
        return kExitError;
      case RunOutcome::kAllCommitted:
        break;
    }
  }
  try {
    finish(run, options, signals, printer, begin, out);
  } catch (const MergeStopped&) {
    return interrupted(run, options);
  }
  return kExitOk;
}

namespace {

class RunCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "run",
        "Run on this machine: plan, workers, merge. The same command again "
        "resumes");
    add_run_flags(*command, flags_);
    command->footer(
        "Examples:\n"
        "  lens run --model " +
        model::example_name() +
        " --dataset mtvqa=MTVQA --out "
        "runs/mtvqa\n"
        "  lens run --model " +
        model::example_name() +
        " --dataset mtvqa=MTVQA "
        "--language RU KR \\\n"
        "      --dataset latex_ocr=LaTeX_OCR --limit 100 --out runs/small\n"
        "  lens run --model " +
        model::example_name() +
        " --dataset signs=signs.jsonl \\\n"
        "      --question signs='What does it say?' --out runs/signs\n"
        "  lens run --config run.toml\n\n"
        "Exit: 0 complete, 75 interrupted and resumable, 1 error, 2 usage.");
    return command;
  }
  int run(const std::string& line, std::ostream& out) const override {
    return run_command(plan_request(flags_),
                       {.keep_parts = flags_.keep_parts,
                        .read_weights = flags_.read_weights,
                        .command_line = line},
                       out);
  }
  std::string config_file() const override { return flags_.config; }

 private:
  RunFlags flags_;
};

}  // namespace

std::unique_ptr<Command> make_run_command() {
  return std::make_unique<RunCommand>();
}

}  // namespace lens::cli
