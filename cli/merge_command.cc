#include "cli/merge_command.h"

#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/exit_code.h"
#include "cli/own_results.h"
#include "cli/standard_output.h"
#include "coordinator/ledger_reader.h"
#include "storage/manifest_file.h"
#include "storage/verify.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// On a terminal, once a merge takes longer than a second.
class MergeProgress {
 public:
  void operator()(std::int64_t done, std::int64_t total) {
    const Clock::time_point now = Clock::now();
    if (!errors_on_terminal() || now - begin_ < 1s) return;
    if (now - last_ < 200ms && done < total) return;
    last_ = now;
    std::cerr << "\r\x1b[K" << fmt::format("merging {}/{} parts", done, total)
              << (done == total ? "\n" : "") << std::flush;
  }

 private:
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_;
};

}  // namespace

int merge_command(const fs::path& run_directory, MergeRequest request,
                  std::ostream& out) {
  const storage::RunDirectory run(run_directory);
  if (!fs::exists(run.manifest()))
    throw InputError("no run in " + run.root().string(), "no manifest.json",
                     "give the folder of --out");
  request.note = [](const std::string& line) { std::cerr << line << '\n'; };
  if (!request.partial && request.output.empty() &&
      accept_results(run, storage::read_manifest(run.manifest()),
                     request.note)) {
    mark_complete(run, request.note);
    out << run.results().string() << " is complete already\n";
    return kExitOk;
  }
  MergeProgress progress;
  request.progress = [&progress](std::int64_t done, std::int64_t total) {
    progress(done, total);
  };
  request.pause = [] { std::this_thread::sleep_for(200ms); };
  const MergeResult result = merge_run(run, request);
  const std::int64_t samples =
      result.summary.samples_ok + result.summary.samples_failed;
  out << fmt::format(
      "{}: {} of {} units, {} of {} samples ({} failed), {} tokens{}\n",
      result.output.string(), result.units, result.units_total, samples,
      result.summary.samples_total, result.summary.samples_failed,
      result.summary.tokens, request.partial ? "; partial" : "");
  return kExitOk;
}

namespace {

class MergeCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "merge", "Write results.h5 from the parts of a run");
    add_run_directory(*command, run_directory_);
    command->add_flag("--partial", partial_,
                      "Take what is there now; the file says complete = 0");
    command
        ->add_option("-o,--output", output_,
                     "Another file (default: results.h5 of the run, with "
                     "--partial results.partial.h5)")
        ->type_name("FILE");
    command->footer(
        "Examples:\n"
        "  lens merge runs/mtvqa\n"
        "  lens merge runs/mtvqa --partial -o snapshot.h5");
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    return merge_command(
        run_directory_,
        {.partial = partial_, .output = output_, .progress = {}}, out);
  }

 private:
  std::string run_directory_;
  bool partial_ = false;
  std::string output_;
};

}  // namespace

std::unique_ptr<Command> make_merge_command() {
  return std::make_unique<MergeCommand>();
}

}  // namespace lens::cli
