#include "engine/engine.h"

#include <c10/core/InferenceMode.h>

#include <numeric>
#include <utility>

#include "engine/wave.h"
#include "engine/wave_plan.h"
#include "model/kv_cache.h"

namespace lens::engine {

Engine::Engine(std::unique_ptr<const model::Model> model, Schedule schedule)
    : model_(std::move(model)), schedule_(schedule) {}

std::vector<Generation> Engine::generate(std::span<const Picture> pictures,
                                         std::span<const Prompt> prompts,
                                         const GenerateOptions& options,
                                         RowSink* sink) const {
  // No gradient is ever asked for: operations then keep no books for one.
  const c10::InferenceMode inference;
  const WaveLimits limits{.max_slots = options.alone ? 1 : schedule_.max_slots,
                          .max_new_tokens = options.max_new_tokens,
                          .token_bytes = model::KvCache::bytes_per_token(
                              model_->shape(), c10::typeMetaToScalarType(
                                                   model_->options().dtype())),
                          .kv_bytes = schedule_.kv_bytes};
  std::vector<Generation> results;
  for (std::size_t begin = 0; begin < prompts.size();) {
    const std::size_t end = wave_end(prompts, begin, limits);
    const int first = static_cast<int>(begin);
    if (options.started) {
      std::vector<int> members(end - begin);
      std::iota(members.begin(), members.end(), first);
      options.started(members);
    }
    // The wave is a temporary, and gone with its cache before the next one
    // makes its own.
    for (Generation& result :
         Wave(*model_, schedule_, pictures,
              {prompts.subspan(begin, end - begin), first}, options, sink)
             .run()) {
      results.push_back(std::move(result));
    }
    begin = end;
  }
  return results;
}

}  // namespace lens::engine
