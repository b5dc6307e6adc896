#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "input/text/tokenizer.h"
#include "storage/manifest.h"
#include "worker/unit_runner.h"

namespace lens::collective {
class Collective;  // its header knows torch, this one does not
}

namespace lens::worker {

// The model with its lens. Heavy (it holds the weights); its header knows no
// torch.
class ModelRunner final : public UnitRunner {
 public:
  // Loads the checkpoint that the manifest names onto the device. Throws
  // lens::InputError (checkpoint), OutOfMemory.
  //   device  "cpu" or "cuda:0"
  //   ranks   who hold the model together, of which each makes one; nullptr:
  //           this process has all of it
  ModelRunner(const storage::Manifest& manifest,
              const text::Tokenizer& tokenizer, const std::string& device,
              std::shared_ptr<collective::Collective> ranks = nullptr);
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
