#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <limits>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "worker/sample_source.h"
#include "worker/unit_runner.h"

namespace lens::worker::fakes {

// Samples without images, and a note of what was asked for.
class FakeSource final : public UnitSource {
 public:
  // Called before each unit is given out.
  std::function<void(const storage::Unit&, const PrepareOptions&)> before;

  PreparedUnit prepare(const storage::Unit& unit,
                       const PrepareOptions& options) override {
    const Quarantine& quarantine = options.quarantine;
    {
      const std::lock_guard lock(mutex_);
      prepared_.push_back(unit.index);
      changed_.notify_all();
    }
    if (before) before(unit, options);
    PreparedUnit prepared;
    prepared.unit = unit;
    for (std::int64_t i = 0; i < unit.samples; ++i) {
      PreparedSample& sample = prepared.samples.emplace_back();
      sample.record.source_row = unit.row_begin + i;
      sample.record.sample_id = std::to_string(sample.record.source_row);
      const auto known = quarantine.find(sample.record.sample_id);
      if (known == quarantine.end()) continue;
      sample.record.status = storage::SampleStatus::kFailed;
      sample.record.failure = known->second;
    }
    return prepared;
  }

  std::vector<std::int32_t> prepared() const {
    const std::lock_guard lock(mutex_);
    return prepared_;
  }
  // Waits until so many units were asked for; false after ten seconds.
  bool was_asked(std::size_t times) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return prepared_.size() >= times; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::int32_t> prepared_;  // guarded by mutex_
};

// Answers every sample with nothing. `during` is called for each unit with the
// hooks of the loop, and may throw.
class FakeRunner final : public UnitRunner {
 public:
  struct Ran {
    std::int32_t unit = 0;
    bool alone = false;
  };
  std::function<void(const storage::Unit&, const Hooks&)> during;

  storage::UnitResult run(PreparedUnit prepared, bool alone,
                          const Hooks& hooks) override {
    ran.push_back({prepared.unit.index, alone});
    if (during) during(prepared.unit, hooks);
    storage::UnitResult result;
    result.tokens.widths.layers = 1;
    result.tokens.widths.ranks = 1;
    result.tokens.widths.scripts = 1;
    for (PreparedSample& sample : prepared.samples) {
      sample.record.entropy_mean = {std::numeric_limits<float>::quiet_NaN()};
      result.samples.push_back(std::move(sample.record));
      result.token_offset.push_back(0);
      hooks.sample_finished();
    }
    return result;
  }

  std::vector<Ran> ran;
};

}  // namespace lens::worker::fakes
