#include "storage/verify.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "storage/guard.h"
#include "storage/invariants.h"
#include "storage/part_order.h"
#include "storage/reader.h"
#include "storage/results_check.h"
#include "storage/seal.h"

namespace lens::storage {
namespace {

// The seal is checked before HDF5 sees the file, so a part is read in this
// process.
void verify_part(const RunDirectory& run, const Manifest& manifest,
                 const CommittedPart& committed, VerifyReport& report) {
  const auto file = part_path(run, committed.receipt);
  const Part part = read_part(file);
  check_ownership(manifest, committed, part, file.string());
  if (std::filesystem::file_size(file) !=
      static_cast<std::uintmax_t>(committed.receipt.bytes)) {
    report.problems.push_back(file.string() +
                              " has another length than was committed");
  }
  ValueChecker checker(
      file.string(),
      value_rules(manifest.model.vocab_size, manifest.config.generation_config,
                  manifest.config.dtype));
  checker.check(part.result);
  for (std::string& problem : checker.problems()) {
    report.problems.push_back(std::move(problem));
  }
  const Unit& unit = manifest.units[static_cast<std::size_t>(committed.unit)];
  for (const SampleRecord& sample : part.result.samples) {
    if (sample.source_row < unit.row_begin ||
        sample.source_row >= unit.row_end) {
      report.problems.push_back(file.string() + ": sample " + sample.sample_id +
                                " is of a row outside its unit");
      break;
    }
  }
  report.samples += static_cast<std::int64_t>(part.result.samples.size());
  report.tokens += static_cast<std::int64_t>(part.result.tokens.size());
}

// What shows that these are not the results of the manifest's run; "" where
// nothing does.
std::string difference(const Manifest& manifest, const ResultsReader& results) {
  const ResultsInfo& info = results.info();
  if (info.run_id != manifest.run_id)
    return "it is of run " + info.run_id + ", this directory of run " +
           manifest.run_id;
  if (info.model_sha256 != manifest.model.sha256)
    return "it is of other weights";
  if (info.dtype != manifest.config.dtype) return "it is of another dtype";
  if (!info.complete) return "it is not complete";
  if (results.datasets().size() != manifest.datasets.size())
    return "it has other data sets";
  for (const DatasetInput& dataset : manifest.datasets) {
    const auto& found = results.datasets();
    if (std::none_of(found.begin(), found.end(),
                     [&](const DatasetSummary& summary) {
                       return summary.name == dataset.name &&
                              summary.samples == dataset.samples;
                     }))
      return "it has other samples of " + dataset.name;
  }
  return "";
}

}  // namespace

VerifyReport verify_parts(const RunDirectory& run, const Manifest& manifest,
                          const std::vector<CommittedPart>& parts) {
  VerifyReport report;
  std::set<std::int32_t> seen;
  for (const CommittedPart& part : parts) {
    ++report.parts_checked;
    const std::string name = "unit " + std::to_string(part.unit);
    if (part.unit < 0 ||
        part.unit >= static_cast<std::int64_t>(manifest.units.size())) {
      report.problems.push_back(name + " is committed but not in the manifest");
      continue;
    }
    if (!seen.insert(part.unit).second) {
      report.problems.push_back(name + " is committed twice");
      continue;
    }
    try {
      verify_part(run, manifest, part, report);
    } catch (const std::exception& error) {
      report.problems.push_back(error.what());
    }
  }
  return report;
}

VerifyReport verify_results(const std::filesystem::path& file) {
  VerifyReport report;
  SealFinding finding;
  GuardOutcome outcome;
  try {
    // Outside of the child: it needs no HDF5.
    finding = inspect_seal(file);
    outcome = run_guarded(
        [&](const GuardSend& send) {
          VerifyReport found;
          check_results(file, found);
          for (const std::string& problem : found.problems) send(problem);
          send(std::to_string(found.samples));
          send(std::to_string(found.tokens));
        },
        guard_limits(file));
  } catch (const StorageError& error) {
    report.problems.push_back(error.what());
    return report;
  }
  const bool damaged = finding.state == SealState::kDamaged;
  if (damaged) {
    report.problems.push_back(file.string() + " is not whole (" + finding.why +
                              "); merge again");
  }
  // The last two lines are counts.
  if (outcome.failure.empty() && outcome.lines.size() >= 2) {
    report.tokens = std::stoll(outcome.lines.back());
    outcome.lines.pop_back();
    report.samples = std::stoll(outcome.lines.back());
    outcome.lines.pop_back();
  } else {
    report.problems.push_back(file.string() + " is damaged (" +
                              outcome.failure + "); merge again");
  }
  report.problems.insert(report.problems.end(), outcome.lines.begin(),
                         outcome.lines.end());
  if (damaged && report.problems.size() == 1) {
    report.notes.push_back(file.string() +
                           ": its values were checked and hold all the same");
    // No damage by itself: any program that opens the file for writing does it.
  } else if (finding.state == SealState::kMissing) {
    report.notes.push_back(
        file.string() + ": " + finding.why +
        (report.ok() ? "; its values were checked and hold, its "
                       "attributes cannot be"
                     : "; its values do not hold, or cannot be read"));
  } else if (report.ok() && (finding.seal.samples != report.samples ||
                             finding.seal.tokens != report.tokens)) {
    report.problems.push_back(file.string() +
                              " is damaged (its seal counts other samples or "
                              "tokens); merge again");
  }
  return report;
}

std::string foreign_results(const RunDirectory& run, const Manifest& manifest) {
  const std::filesystem::path file = run.results();
  const GuardOutcome outcome = run_guarded(
      [&](const GuardSend& send) {
        send(difference(manifest, ResultsReader(file)));
      },
      guard_limits(file));
  return outcome.lines.empty() ? outcome.failure : outcome.lines.front();
}

}  // namespace lens::storage
