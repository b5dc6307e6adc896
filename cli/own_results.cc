#include "cli/own_results.h"

#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "cli/merge_run.h"
#include "storage/seal.h"
#include "storage/verify.h"

namespace lens::cli {

OwnResults check_own_results(const storage::RunDirectory& run,
                             const storage::Manifest& manifest) {
  std::error_code error;
  const std::filesystem::path file = run.results();
  if (!std::filesystem::exists(file, error))
    return {.state = ResultsState::kNone, .why = ""};
  // The seal first: HDF5 is given nothing that no writer of ours has ended.
  try {
    const storage::SealFinding seal = storage::inspect_seal(file);
    if (seal.state != storage::SealState::kIntact)
      return {.state = ResultsState::kDamaged, .why = seal.why};
  } catch (const StorageError& problem) {
    return {.state = ResultsState::kDamaged, .why = problem.what()};
  }
  const std::string why = storage::foreign_results(run, manifest);
  return {.state = why.empty() ? ResultsState::kOwn : ResultsState::kForeign,
          .why = why};
}

bool accept_results(const storage::RunDirectory& run,
                    const storage::Manifest& manifest,
                    const std::function<void(const std::string&)>& note) {
  std::error_code error;
  if (!std::filesystem::exists(run.results(), error)) return false;
  note("checking " + run.results().string());
  const OwnResults found = check_own_results(run, manifest);
  switch (found.state) {
    case ResultsState::kNone:
      return false;
    case ResultsState::kOwn:
      return true;
    case ResultsState::kForeign:
      throw InputError("cannot use " + run.results().string(), found.why,
                       "move it away, then run the same command again");
    case ResultsState::kDamaged:
      break;
  }
  if (!has_committed_parts(run, manifest))
    throw InputError(run.results().string() + " is damaged", found.why,
                     "delete it, then `lens run` makes it again");
  note(run.results().string() + " is damaged (" + found.why +
       "); making it again from the parts");
  return false;
}

}  // namespace lens::cli
