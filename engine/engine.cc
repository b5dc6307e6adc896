#include "engine/engine.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <utility>

#include "engine/wave.h"
#include "model/kv_cache.h"

namespace lens::model {
namespace {

// Where the prompts of one picture end.
std::size_t group_end(std::span<const Prompt> prompts, std::size_t begin) {
  std::size_t end = begin + 1;
  while (end < prompts.size() && prompts[begin].picture >= 0 &&
         prompts[end].picture == prompts[begin].picture) {
    ++end;
  }
  return end;
}

}  // namespace

Schedule Schedule::for_device(at::DeviceType device) {
  Schedule schedule;
  if (device == at::DeviceType::CUDA) {
    schedule.max_slots = 256;
    schedule.max_prefill_tokens = 16384;
    schedule.max_vision_patches = 32768;
    schedule.kv_bytes = std::int64_t{16} << 30;
  }
  return schedule;
}

Engine::Engine(ModelConfig config, Weights weights, Schedule schedule)
    : config_(std::move(config)),
      weights_(std::move(weights)),
      schedule_(schedule) {}

std::vector<Generation> Engine::generate(std::span<const Picture> pictures,
                                         std::span<const Prompt> prompts,
                                         const GenerateOptions& options,
                                         RowSink* sink) const {
  const c10::InferenceMode inference;
  std::vector<Generation> results(prompts.size());
  const std::int64_t token_bytes = KvCache::bytes_per_token(
      config_.text, weights_.text.embedding.scalar_type());
  Schedule schedule = schedule_;
  if (options.alone) schedule.max_slots = 1;
  for (std::size_t begin = 0; begin < prompts.size();) {
    // A wave takes whole groups while slots and cache last; a group that is
    // larger than a wave is cut.
    std::vector<int> members;
    std::int64_t longest = 0;
    const auto fits = [&](std::size_t count, std::int64_t length) {
      const auto slots = static_cast<std::int64_t>(count);
      return slots <= schedule.max_slots &&
             slots * (length + options.max_new_tokens) * token_bytes <=
                 schedule.kv_bytes;
    };
    std::size_t next = begin;
    while (next < prompts.size()) {
      const std::size_t end = group_end(prompts, next);
      std::int64_t length = longest;
      for (std::size_t i = next; i < end; ++i) {
        length = std::max<std::int64_t>(
            length, static_cast<std::int64_t>(prompts[i].ids.size()));
      }
      if (!fits(members.size() + end - next, length) && !members.empty()) break;
      std::size_t taken = next;
      while (taken < end &&
             (taken == next || fits(members.size() + 1, length))) {
        members.push_back(static_cast<int>(taken++));
      }
      longest = length;
      next = taken;
      if (taken < end) break;
    }
    if (options.started) options.started(members);
    Wave(config_, weights_, schedule, pictures, prompts, std::move(members),
         options, sink)
        .run(&results);
    begin = next;
  }
  return results;
}

}  // namespace lens::model
