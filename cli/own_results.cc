#include "cli/own_results.h"

#include <filesystem>
#include <system_error>

#include "cli/merge_run.h"
#include "storage/error.h"
#include "storage/reader.h"
#include "storage/seal.h"
#include "worker/error.h"

namespace lens::cli {

namespace {

std::string foreign(const std::filesystem::path& file,
                    const storage::Manifest& manifest) {
  const storage::ResultsReader reader(file);
  if (reader.info().run_id != manifest.run_id)
    return "it is of run " + reader.info().run_id + ", this directory of run " +
           manifest.run_id;
  return reader.info().complete ? "" : "it is a partial file";
}

}  // namespace

OwnResults check_own_results(const storage::RunDirectory& run,
                             const storage::Manifest& manifest) {
  std::error_code error;
  const std::filesystem::path file = run.results();
  if (!std::filesystem::exists(file, error))
    return {.state = ResultsState::kNone, .why = ""};
  // The seal first: HDF5 is given nothing that no writer of ours has ended.
  try {
    const storage::SealState seal = storage::inspect_seal(file);
    if (seal == storage::SealState::kMissing)
      return {.state = ResultsState::kDamaged,
              .why = "it has no seal: cut, or rewritten by another program"};
    if (seal == storage::SealState::kDamaged)
      return {.state = ResultsState::kDamaged,
              .why = "its bytes do not give its checksum"};
  } catch (const storage::StorageError& problem) {
    return {.state = ResultsState::kDamaged, .why = problem.what()};
  }
  try {
    const std::string why = foreign(file, manifest);
    return {.state = why.empty() ? ResultsState::kOwn : ResultsState::kForeign,
            .why = why};
  } catch (const storage::StorageError& problem) {
    return {.state = ResultsState::kForeign, .why = problem.what()};
  }
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
