#include "coordinator/failure_history.h"

#include <algorithm>

namespace lens::coordinator {
namespace {

constexpr std::size_t kRecent = 100;

}  // namespace

FailureHistory::FailureHistory(
    const std::vector<UnitFailure>& failures,
    const std::vector<QuarantinedSample>& quarantined) {
  for (const UnitFailure& failure : failures) {
    // In the order in which they came: what was decided then is decided again.
    if (failure.counted) judge(failure);
    remember(failure);
  }
  for (const QuarantinedSample& sample : quarantined) {
    quarantined_[{sample.unit, sample.sample_id}] = sample.reason;
  }
}

Verdict FailureHistory::add(UnitFailure& failure) {
  failure.counted = failure.failure_class != FailureClass::kLost;
  const Verdict verdict = judge(failure);
  remember(failure);
  return verdict;
}

Verdict FailureHistory::judge(const UnitFailure& failure) {
  Counts& counts = counts_[failure.unit];
  switch (failure.failure_class) {
    case FailureClass::kLost:
      return Verdict::kRetry;
    case FailureClass::kCheck:
    case FailureClass::kStore:
      return ++counts.refused > kRetriesOfUnit ? Verdict::kFailRun
                                               : Verdict::kRetry;
    case FailureClass::kInput:
      return Verdict::kFailRun;
    case FailureClass::kKilled:
      return judge_kill(failure);
    case FailureClass::kCrash:
    case FailureClass::kOutOfMemory:
      break;
  }
  counts.suspect = true;
  if (names_sample(failure)) {
    int& deaths = sample_deaths_[{failure.unit, failure.sample_id}];
    if (++deaths < kDeathsOfSample) return Verdict::kRetry;
    return quarantine(failure, kDeathsOfSample);
  }
  return ++counts.deaths < kDeathsOfUnit ? Verdict::kRetry : give_up(failure);
}

Verdict FailureHistory::judge_kill(const UnitFailure& failure) {
  Counts& counts = counts_[failure.unit];
  ++counts.kills;
  // One kill earlier than a sample is blamed: from then on its samples come one
  // at a time, and the next note names one.
  counts.suspect |= counts.kills + 1 >= kKillsOfSample;
  if (names_sample(failure) && counts.kills >= kKillsOfSample) {
    return quarantine(failure, counts.kills);
  }
  return counts.kills < kKillsOfUnit ? Verdict::kRetry : give_up(failure);
}

Verdict FailureHistory::quarantine(const UnitFailure& failure, int times) {
  quarantined_[{failure.unit, failure.sample_id}] =
      std::string(failure_class_name(failure.failure_class)) + ", " +
      std::to_string(times) + " times: " + failure.reason;
  counts_[failure.unit] = {};
  return Verdict::kQuarantineSample;
}

Verdict FailureHistory::give_up(const UnitFailure& failure) {
  given_up_[failure.unit] = failure;
  return Verdict::kGiveUpUnit;
}

bool FailureHistory::names_sample(const UnitFailure& failure) const {
  return !failure.sample_id.empty() &&
         !quarantined_.contains({failure.unit, failure.sample_id});
}

void FailureHistory::remember(const UnitFailure& failure) {
  if (failure.failure_class == FailureClass::kLost) ++lost_[failure.unit];
  int& attempts = attempts_[failure.unit];
  attempts = std::max(attempts, failure.attempt);
  recent_.push_back(failure);
  if (recent_.size() > kRecent) recent_.erase(recent_.begin());
}

bool FailureHistory::suspect(UnitIndex unit) const {
  const auto counts = counts_.find(unit);
  return counts != counts_.end() && counts->second.suspect;
}

std::vector<QuarantinedSample> FailureHistory::quarantined(
    UnitIndex unit) const {
  std::vector<QuarantinedSample> samples;
  for (auto sample = quarantined_.lower_bound({unit, ""});
       sample != quarantined_.end() && sample->first.first == unit; ++sample) {
    samples.push_back({unit, sample->first.second, sample->second});
  }
  return samples;
}

}  // namespace lens::coordinator
