#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/records.h"

namespace lens::coordinator {

// What a failure means for its unit.
enum class Verdict {
  kRetry,             // lease the unit again
  kQuarantineSample,  // lease it again without the sample
  kGiveUpUnit,        // go on with the other units; the run ends as failed
  kFailRun,           // stop: it would meet every unit
};

// Remembers the failures of a run and judges new ones. Pure state.
//
//   lost                      never counted: retry for ever
//   crash, out of memory      with a sample: its second one quarantines it;
//                             without: the unit's third one gives the unit up
//   killed                    the unit's third one quarantines the sample that
//                             it names; without one the unit's fifth one gives
//                             the unit up. More than of crashes, since people
//                             and schedulers kill too.
//   check, store              the unit's fourth one (after three retries) fails
//                             the run
//   input                     fails the run
//
// A sample that is quarantined was the cause: the unit starts afresh.
class FailureHistory {
 public:
  static constexpr int kDeathsOfSample = 2;
  static constexpr int kDeathsOfUnit = 3;
  static constexpr int kRetriesOfUnit = 3;
  static constexpr int kKillsOfSample = 3;
  static constexpr int kKillsOfUnit = 5;

  FailureHistory() = default;
  // What the ledger remembers, including failures that no longer count.
  FailureHistory(const std::vector<UnitFailure>& failures,
                 const std::vector<QuarantinedSample>& quarantined);

  // Sets failure.counted and remembers it.
  Verdict add(UnitFailure& failure);

  // Of one unit, as its next worker has to know them.
  std::vector<QuarantinedSample> quarantined(UnitIndex unit) const;

  // A worker has died of this unit, or of a sample of it that is still run; or
  // two were killed at it.
  bool suspect(UnitIndex unit) const;

  // Units that have been given up, each with its last failure.
  const std::map<UnitIndex, UnitFailure>& given_up() const { return given_up_; }
  // How often each unit was lost: not counted, but a unit that is lost again
  // and again may be killing its workers unseen.
  const std::map<UnitIndex, int>& lost() const { return lost_; }
  // Highest attempt seen, by unit.
  const std::map<UnitIndex, int>& attempts() const { return attempts_; }
  // The latest, at most 100, oldest first.
  const std::vector<UnitFailure>& recent() const { return recent_; }

 private:
  struct Counts {
    int deaths = 0;   // crash, out of memory, without a sample
    int kills = 0;    // with and without
    int refused = 0;  // check, store
    bool suspect = false;
  };
  using SampleKey = std::pair<UnitIndex, std::string>;

  Verdict judge(const UnitFailure& failure);
  Verdict judge_kill(const UnitFailure& failure);
  Verdict quarantine(const UnitFailure& failure, int times);
  Verdict give_up(const UnitFailure& failure);
  // Names a sample that is still run: a later blame is mistaken.
  bool names_sample(const UnitFailure& failure) const;
  void remember(const UnitFailure& failure);

  std::map<UnitIndex, Counts> counts_;
  std::map<SampleKey, int> sample_deaths_;
  std::map<SampleKey, std::string> quarantined_;  // -> reason
  std::map<UnitIndex, UnitFailure> given_up_;
  std::map<UnitIndex, int> lost_;
  std::map<UnitIndex, int> attempts_;
  std::vector<UnitFailure> recent_;
};

}  // namespace lens::coordinator
