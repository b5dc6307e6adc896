#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/manifest.h"
#include "storage/unit_result.h"
#include "worker/sample_source.h"
#include "worker/text/tokenizer.h"

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

// The model with its lens: turns prepared units into results. Heavy (it holds
// the weights); its header knows no torch.
class UnitRunner {
 public:
  struct Hooks {
    std::function<bool()> cancelled;
    // The samples that the model runs together next, by id.
    std::function<void(std::span<const std::string>)> samples_started;
    std::function<void()> sample_finished;
  };

  // Loads the checkpoint that the manifest names onto the device. Throws
  // lens::InputError (checkpoint), OutOfMemory.
  //   device  "cpu" or "cuda:0"
  UnitRunner(const storage::Manifest& manifest,
             const text::Tokenizer& tokenizer, const std::string& device);
  ~UnitRunner();
  UnitRunner(const UnitRunner&) = delete;
  UnitRunner& operator=(const UnitRunner&) = delete;

  std::int64_t max_prompt_tokens() const;
  std::int64_t image_token_id() const;

  // What the unit produces: a pure function of the unit, the model and the
  // config on equal hardware. With `alone` the model runs one sample at a time;
  // values may then differ in their last bits. Throws FailedCheck, OutOfMemory,
  // Abandoned.
  storage::UnitResult run(PreparedUnit prepared, bool alone,
                          const Hooks& hooks);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lens::worker
