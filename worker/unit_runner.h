#pragma once

#include <functional>
#include <span>
#include <stdexcept>
#include <string>

#include "storage/unit_result.h"
#include "worker/sample_source.h"

namespace lens::worker {

// The device ran out of memory.
class OutOfMemory : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// The lens of the last state was not the model's logits: do not commit.
class FailedCheck : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// The unit was given up on request.
class Abandoned : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Turns prepared units into results.
class UnitRunner {
 public:
  struct Hooks {
    // Asked between the steps of the work.
    std::function<bool()> cancelled;
    // The samples that the model runs together next, by id.
    std::function<void(std::span<const std::string>)> samples_started;
    std::function<void()> sample_finished;
  };

  virtual ~UnitRunner() = default;

  // What the unit produces: a pure function of the unit, the model and the
  // config on equal hardware. With `alone` the model runs one sample at a time;
  // values may then differ in their last bits. A sample whose values are no
  // numbers fails with that reason. Throws FailedCheck, OutOfMemory, Abandoned.
  virtual storage::UnitResult run(PreparedUnit prepared, bool alone,
                                  const Hooks& hooks) = 0;
};

}  // namespace lens::worker
