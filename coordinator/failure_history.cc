#include "coordinator/failure_history.h"

#include <algorithm>

namespace lens::coordinator {
namespace {

constexpr std::size_t kRecent = 100;

bool is_death(FailureClass failure_class) {
  return failure_class == FailureClass::kCrash ||
         failure_class == FailureClass::kOutOfMemory;
}

}  // namespace

FailureHistory::FailureHistory(
    const std::vector<UnitFailure>& failures,
    const std::vector<QuarantinedSample>& quarantined) {
  for (const UnitFailure& failure : failures) {
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
  if (failure.failure_class == FailureClass::kLost) return Verdict::kRetry;
  if (!is_death(failure.failure_class)) {
    return ++counts_[failure.unit].refused > kRetriesOfUnit ? Verdict::kFailRun
                                                            : Verdict::kRetry;
  }
  const SampleKey sample{failure.unit, failure.sample_id};
  // A sample that is named although it is not run any more is not the cause.
  if (!failure.sample_id.empty() && !quarantined_.contains(sample)) {
    if (++sample_deaths_[sample] < kDeathsOfSample) return Verdict::kRetry;
    quarantined_[sample] =
        std::string(failure_class_name(failure.failure_class)) + ", " +
        std::to_string(kDeathsOfSample) + " times: " + failure.reason;
    return Verdict::kQuarantineSample;
  }
  if (++counts_[failure.unit].deaths < kDeathsOfUnit) return Verdict::kRetry;
  given_up_[failure.unit] = failure;
  return Verdict::kGiveUpUnit;
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
  if (counts != counts_.end() && counts->second.deaths > 0) return true;
  const auto sample = sample_deaths_.lower_bound({unit, ""});
  return sample != sample_deaths_.end() && sample->first.first == unit;
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
