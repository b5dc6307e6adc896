#include "engine/wave_plan.h"

#include <algorithm>
#include <optional>

namespace lens::engine {
namespace {

std::int64_t length_of(const Prompt& prompt) {
  return static_cast<std::int64_t>(prompt.ids.size());
}

// Where the prompts of one picture end.
std::size_t group_end(std::span<const Prompt> prompts, std::size_t begin) {
  std::size_t end = begin + 1;
  while (end < prompts.size() && prompts[begin].picture >= 0 &&
         prompts[end].picture == prompts[begin].picture) {
    ++end;
  }
  return end;
}

// One past the last image token; 0 without one.
std::int64_t image_end(const Prompt& prompt, std::int64_t image_token_id) {
  const auto last =
      std::find(prompt.ids.rbegin(), prompt.ids.rend(), image_token_id);
  return static_cast<std::int64_t>(prompt.ids.rend() - last);
}

// Leading ids that all of a group have. Each keeps at least one token of its
// own: its states choose the answer.
std::int64_t shared_length(std::span<const Prompt> group) {
  const auto& first = group.front().ids;
  std::size_t shared = first.size() - 1;
  for (const Prompt& other : group) {
    shared = std::min(shared, other.ids.size() - 1);
    // Neither side is read past its end: `shared` is below both lengths.
    const auto differs = std::mismatch(
        first.begin(), first.begin() + static_cast<std::ptrdiff_t>(shared),
        other.ids.begin());
    shared = static_cast<std::size_t>(differs.first - first.begin());
  }
  return static_cast<std::int64_t>(shared);
}

}  // namespace

std::size_t wave_end(std::span<const Prompt> prompts, std::size_t begin,
                     const WaveLimits& limits) {
  const auto fits = [&](std::size_t count, std::int64_t longest) {
    // All slots of a cache are as long as the longest prompt needs: one long
    // prompt costs its length in each of them.
    const auto slots = static_cast<std::int64_t>(count);
    return slots <= limits.max_slots &&
           slots * (longest + limits.max_new_tokens) * limits.token_bytes <=
               limits.kv_bytes;
  };
  std::int64_t longest = 0;
  std::size_t end = begin;
  while (end < prompts.size()) {
    const std::size_t next = group_end(prompts, end);
    for (std::size_t i = end; i < next; ++i) {
      longest = std::max(longest, length_of(prompts[i]));
    }
    if (fits(next - begin, longest)) {
      end = next;
      continue;
    }
    // A group that would not fit waits for the next wave. One that is larger
    // than a wave would wait for ever: it is cut.
    if (end > begin) return end;
    ++end;
    while (end < next && fits(end + 1 - begin, longest)) ++end;
    return end;
  }
  return end;
}

std::vector<Group> form_groups(std::span<const Prompt> wave,
                               std::int64_t image_token_id) {
  std::vector<Group> groups;
  for (std::size_t begin = 0; begin < wave.size();) {
    Group group{.prompts = {begin, group_end(wave, begin)}};
    if (group.prompts.size() > 1) {
      const std::int64_t shared =
          shared_length(wave.subspan(begin, group.prompts.size()));
      // Invariant: a stretch holds all tokens of its picture or none of them.
      if (shared >= image_end(wave[begin], image_token_id)) {
        group.prefix = shared;
      }
    }
    groups.push_back(group);
    begin = group.prompts.end;
  }
  return groups;
}

Prefill plan_prefill(std::span<const Prompt> wave,
                     std::span<const Group> groups) {
  Prefill prefill;
  for (const Group& group : groups) {
    if (group.prefix > 0) {
      prefill.prefixes.push_back({.sequence = group.prompts.begin,
                                  .begin = 0,
                                  .end = group.prefix,
                                  .readers = group.prompts.size()});
    }
    for (std::size_t i = group.prompts.begin; i < group.prompts.end; ++i) {
      prefill.suffixes.push_back({.sequence = i,
                                  .begin = group.prefix,
                                  .end = length_of(wave[i]),
                                  .readers = 1});
    }
  }
  return prefill;
}

std::vector<Range> pack(std::span<const std::int64_t> sizes,
                        std::int64_t most) {
  std::vector<Range> packs;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    total += sizes[i];
    // An item that is larger than a pack makes one alone.
    if (packs.empty() || total > most) {
      packs.push_back({i, i});
      total = sizes[i];
    }
    packs.back().end = i + 1;
  }
  return packs;
}

PrefillPass plan_pass(std::span<const Prompt> wave,
                      std::span<const Stretch> stretches) {
  PrefillPass pass;
  for (const Stretch& stretch : stretches) {
    const Prompt& prompt = wave[stretch.sequence];
    for (std::int64_t at = stretch.begin; at < stretch.end; ++at) {
      const auto row = static_cast<std::int64_t>(pass.ids.size());
      pass.ids.push_back(prompt.ids[at]);
      // The state here predicts the token at the next position. Within the
      // stretch that is the same token for all readers, and captured once.
      const auto next = static_cast<std::size_t>(at + 1);
      const std::size_t readers = at + 1 < stretch.end ? 1 : stretch.readers;
      for (std::size_t i = 0; i < readers; ++i) {
        const std::size_t reader = stretch.sequence + i;
        const Prompt& reading = wave[reader];
        if (next < reading.ids.size() && next < reading.wanted.size() &&
            reading.wanted[next]) {
          pass.wanted.add(row, {static_cast<int>(reader), at + 1,
                                reading.ids[next], std::nullopt});
        }
      }
    }
    // A prefix is never a whole prompt, as each keeps a token of its own: only
    // the end of a prompt chooses a token.
    if (stretch.end == length_of(prompt)) {
      pass.finishing.push_back(stretch.sequence);
      pass.last_rows.push_back(static_cast<std::int64_t>(pass.ids.size()) - 1);
    }
  }
  return pass;
}

}  // namespace lens::engine
