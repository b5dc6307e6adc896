#include "cli/verify_command.h"

#include <fmt/format.h>

#include <optional>

#include "base/error.h"
#include "base/exit_code.h"
#include "cli/own_results.h"
#include "coordinator/ledger_reader.h"
#include "storage/manifest_file.h"
#include "storage/scan_parts.h"
#include "storage/verify.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

int report_problems(const storage::VerifyReport& report, std::ostream& out) {
  for (const std::string& problem : report.problems) out << problem << '\n';
  for (const std::string& note : report.notes) out << note << '\n';
  return report.ok() ? kExitOk : kExitError;
}

int tell_verified(const fs::path& file, const storage::VerifyReport& report,
                  std::ostream& out) {
  if (report.ok())
    out << fmt::format("{}: verified, {} samples, {} tokens\n", file.string(),
                       report.samples, report.tokens);
  return report_problems(report, out);
}

// Also whether it is of this run, and holds what its parts hold, where all of
// them were there.
int verify_results_of(const storage::RunDirectory& run,
                      const storage::Manifest& manifest,
                      const std::optional<storage::VerifyReport>& parts,
                      std::ostream& out) {
  const fs::path file = run.results();
  storage::VerifyReport report = storage::verify_results(file);
  if (report.ok()) {
    const std::string why = storage::foreign_results(run, manifest);
    if (!why.empty())
      report.problems.push_back(file.string() +
                                " is not the result of this run (" + why +
                                "); move it away and merge again");
  }
  if (report.ok() && parts && parts->ok() &&
      parts->parts_checked ==
          static_cast<std::int64_t>(manifest.units.size()) &&
      (parts->samples != report.samples || parts->tokens != report.tokens))
    report.problems.push_back(fmt::format(
        "{} has {} samples and {} tokens, its parts {} and {}; move it away "
        "and merge again",
        file.string(), report.samples, report.tokens, parts->samples,
        parts->tokens));
  return tell_verified(file, report, out);
}

std::vector<storage::CommittedPart> committed(
    const storage::RunDirectory& run, const storage::Manifest& manifest) {
  const auto ledger = coordinator::LedgerReader::open(run.ledger());
  if (ledger.ok()) return ledger->committed_parts();
  if (absl::IsUnavailable(ledger.status()))
    return storage::scan_parts(run, manifest);
  if (absl::IsNotFound(ledger.status())) return {};
  throw InputError(std::string(ledger.status().message()));
}

bool any_part_left(const storage::RunDirectory& run,
                   const std::vector<storage::CommittedPart>& parts) {
  for (const storage::CommittedPart& part : parts)
    if (fs::exists(run.root() / part.receipt.file_name)) return true;
  return false;
}

int verify_run(const storage::RunDirectory& run, std::ostream& out) {
  const storage::Manifest manifest = storage::read_manifest(run.manifest());
  const std::vector<storage::CommittedPart> parts = committed(run, manifest);
  const bool has_results = fs::exists(run.results());
  int code = kExitOk;
  std::optional<storage::VerifyReport> report;
  if (has_results && !parts.empty() && !any_part_left(run, parts)) {
    out << "parts: removed after the merge\n";
  } else {
    report = storage::verify_parts(run, manifest, parts);
    code = report_problems(*report, out);
    if (report->ok())
      out << fmt::format("parts: {} of {} units verified, {} samples\n",
                         report->parts_checked, manifest.units.size(),
                         report->samples);
  }
  if (has_results)
    return std::max(code, verify_results_of(run, manifest, report, out));
  out << "results.h5: not written yet\n";
  return code;
}

}  // namespace

int verify_command(const fs::path& path, std::ostream& out) {
  if (!fs::exists(path))
    throw InputError("cannot verify " + path.string(), "no such file",
                     "give a run directory or a results.h5");
  if (!fs::is_directory(path))
    return tell_verified(path, storage::verify_results(path), out);
  const storage::RunDirectory run(path);
  if (!fs::exists(run.manifest()))
    throw InputError("no run in " + path.string(), "no manifest.json",
                     "give the folder of --out, or a results.h5");
  return verify_run(run, out);
}

namespace {

class VerifyCommand : public Command {
 public:
  CLI::App* add_to(CLI::App& program) override {
    CLI::App* command = program.add_subcommand(
        "verify", "Check the parts and results of a run, or one results.h5");
    add_source(*command, path_);
    command->footer(
        "Examples:\n"
        "  lens verify runs/mtvqa\n"
        "  lens verify results.h5\n\n"
        "Problems are printed one a line; the exit code is then 1.");
    return command;
  }
  int run(const std::string& /*line*/, std::ostream& out) const override {
    return verify_command(path_, out);
  }
  const std::filesystem::path* results() const override { return &path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

std::unique_ptr<Command> make_verify_command() {
  return std::make_unique<VerifyCommand>();
}

}  // namespace lens::cli
