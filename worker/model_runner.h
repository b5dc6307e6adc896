#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "input/text/tokenizer.h"
#include "storage/manifest.h"
#include "worker/unit_runner.h"

namespace lens::worker {

// The model with its lens. Heavy (it holds the weights); its header knows no
// torch.
class ModelRunner final : public UnitRunner {
 public:
  // Loads the checkpoint that the manifest names onto the device. Throws
  // lens::InputError (checkpoint), OutOfMemory.
  //   device  "cpu" or "cuda:0"
  ModelRunner(const storage::Manifest& manifest,
              const text::Tokenizer& tokenizer, const std::string& device);
  ~ModelRunner() override;
  ModelRunner(const ModelRunner&) = delete;
  ModelRunner& operator=(const ModelRunner&) = delete;

  std::int64_t max_prompt_tokens() const;
  std::int64_t image_token_id() const;
  // How the lens is computed, for the log (readout::Backend::name()).
  std::string_view lens_name() const;

  storage::UnitResult run(PreparedUnit prepared, bool alone,
                          const Hooks& hooks) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lens::worker
