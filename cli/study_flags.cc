#include "cli/study_flags.h"

#include <CLI/CLI.hpp>
#include <string>

#include "base/error.h"

namespace lens::cli {
namespace {

void require(bool holds, const std::string& flag, const std::string& wanted) {
  if (!holds)
    throw InputError("cannot use " + flag, "it must be " + wanted,
                     "give another value");
}

}  // namespace

void add_study_flags(CLI::App& command, StudyFlags& flags) {
  command
      .add_option("--resamples", flags.resamples,
                  "Of the bootstrap (default 2000)")
      ->check(CLI::Range(100, 10'000'000))
      ->type_name("N");
  command
      .add_option("--permutations", flags.permutations,
                  "Of each test (default 9999)")
      ->check(CLI::Range(99, 100'000'000))
      ->type_name("N");
  command.add_option("--seed", flags.seed, "Of both (default 1)")
      ->type_name("N");
  command
      .add_option("--onset-fraction", flags.onset_fraction,
                  "Share of the fall that is left at the onset (default 0.5)")
      ->check(CLI::Range(0.001, 0.999))
      ->type_name("A");
  command
      .add_option("--onset-range", flags.onset_range,
                  "Nats that a curve must fall to have an onset (default 1)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("X");
  command
      .add_option("--right-score", flags.right_score,
                  "Score from which on an answer counts as right (default "
                  "0.9)")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("X");
}

analysis::statistics::StudyOptions study_options(const StudyFlags& flags) {
  require(flags.resamples >= 100, "--resamples", "at least 100");
  require(flags.permutations >= 99, "--permutations", "at least 99");
  require(flags.onset_fraction > 0 && flags.onset_fraction < 1,
          "--onset-fraction", "between 0 and 1");
  require(flags.right_score >= 0 && flags.right_score <= 1, "--right-score",
          "from 0 to 1");
  require(flags.onset_range >= 0, "--onset-range", "0 nats or more");
  return {.onset = {.fraction = flags.onset_fraction,
                    .least_range_nats = flags.onset_range},
          .bootstrap_resamples = flags.resamples,
          .permutations = flags.permutations,
          .seed = flags.seed};
}

}  // namespace lens::cli
