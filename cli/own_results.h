#pragma once

#include <functional>
#include <string>

#include "storage/manifest.h"
#include "storage/run_directory.h"

namespace lens::cli {

// What the results.h5 of a run directory is to the run that is planned there.
enum class ResultsState {
  kNone,     // there is none
  kOwn,      // of this run, complete, and its seal fits every byte
  kDamaged,  // not what was written
  kForeign   // whole, but of another run or not complete
};

struct OwnResults {
  ResultsState state = ResultsState::kNone;
  std::string why;  // for kDamaged and kForeign
};

// Reads the whole file once. Never throws for what is in the file.
OwnResults check_own_results(const storage::RunDirectory& run,
                             const storage::Manifest& manifest);

// Whether the run's results stand, so that nothing is to be done. False where
// they have to be made: there are none, or they are damaged and every part is
// still there. `note` takes one line at a time, for people. Throws
// lens::InputError where the file is in the way: a foreign one is never
// overwritten, a damaged one is all there is.
bool accept_results(const storage::RunDirectory& run,
                    const storage::Manifest& manifest,
                    const std::function<void(const std::string&)>& note);

}  // namespace lens::cli
