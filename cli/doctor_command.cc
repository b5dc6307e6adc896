#include "cli/doctor_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <vector>

#include "base/exit_code.h"
#include "cli/doctor.h"
#include "cli/home_path.h"
#include "cli/memory_fit.h"
#include "cli/usage_error.h"
#include "cli/version.h"
#include "model/families.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

const char* mark(Level level) {
  switch (level) {
    case Level::kGood:
      return "ok     ";
    case Level::kNote:
      return "note   ";
    case Level::kProblem:
      return "PROBLEM";
  }
  return "";
}

// For the output of what is tried: the first of these that can be written.
fs::path scratch_folder(const fs::path& run_directory) {
  for (const fs::path& folder : {session_folder().path, fs::path("/tmp"),
                                 fs::path("/dev/shm"), run_directory})
    if (access(folder.c_str(), W_OK | X_OK) == 0) return folder;
  return ".";
}

}  // namespace

int doctor_command(const DoctorOptions& options, std::ostream& out) {
  const Machine machine = this_machine();
  const RunTools tools = RunTools::find();
  const fs::path folder =
      options.run_directory.empty() ? fs::path(".") : options.run_directory;

  const fs::path scratch = scratch_folder(folder);
  std::vector<Finding> findings = {check_processor(machine),
                                   check_memory(machine)};
  const auto append = [&findings](const std::vector<Finding>& more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  append(check_gpus(machine));
  if (machine.gpu.usable())
    findings.push_back(check_cuda_libraries(tools, scratch));
  append(check_programs(tools, scratch));
  findings.push_back(check_mpi(tools, scratch));
  findings.push_back(check_network());
  findings.push_back(check_disk(folder));
  findings.push_back(check_shared_memory("/dev/shm"));
  findings.push_back(check_libraries());
  Machine asked = machine;
  if (!options.gpus.empty()) {
    asked.gpu.gpus = options.gpus;
    findings.push_back(
        {Level::kGood, "asked",
         fmt::format("models on {} GPUs of {:.1f} GB", options.gpus.size(),
                     gigabytes(options.gpus[0].memory_bytes))});
  }
  if (options.model.empty())
    append(check_official_models(asked));
  else
    append(check_model(asked, options.model));

  out << version_line() << '\n';
  bool problem = false;
  for (const Finding& finding : findings) {
    out << mark(finding.level) << "  " << fmt::format("{:<10}", finding.subject)
        << finding.text << '\n';
    problem |= finding.level == Level::kProblem;
  }
  out << (problem ? "runs will not work here until the problems are solved\n"
                  : "ready to run\n");
  return problem ? kExitError : kExitOk;
}

namespace {

class DoctorCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "doctor", "Whether this machine can run, and what is missing");
    command
        ->add_option("--model", model_,
                     "Checkpoint folder: is it whole, does it fit the memory "
                     "(default: which of the published ones would)")
        ->type_name("DIR");
    command
        ->add_option("RUN_DIR,--out", run_directory_,
                     "Run directory: is its disk fit (default: this folder)")
        ->type_name("");
    command
        ->add_option("--gpus", gpus_,
                     "Which models would fit these GPUs, for example '4 x 80 "
                     "GB', and with which --tensor-parallel (default: this "
                     "machine's)")
        ->type_name("N x GB");
    command->footer(
        "Examples:\n"
        "  lens doctor --model " +
        model::example_name() +
        " runs/mtvqa\n"
        "  lens doctor --gpus '4 x 80 GB'");
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    std::vector<GpuInfo> gpus;
    if (!gpus_.empty()) gpus = parse_gpus(gpus_);
    if (gpus.empty() && !gpus_.empty())
      throw UsageError("--gpus " + gpus_ + " ('4 x 80 GB' or alike expected)");
    return doctor_command({.model = expand_home(model_),
                           .run_directory = expand_home(run_directory_),
                           .gpus = std::move(gpus)},
                          out);
  }

 private:
  std::string model_;
  std::string run_directory_;
  std::string gpus_;
};

}  // namespace

std::unique_ptr<Command> make_doctor_command() {
  return std::make_unique<DoctorCommand>();
}

}  // namespace lens::cli
