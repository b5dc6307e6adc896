#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/captured_row.h"
#include "engine/prompt.h"

// How prompts are cut into waves, groups and passes: arithmetic over lengths
// and ids, without a tensor.
namespace lens::engine {

// What a wave may hold at most; one prompt always fits.
struct WaveLimits {
  std::int64_t max_slots = 1;       // sequences
  std::int64_t max_new_tokens = 0;  // of each sequence, beside its prompt
  std::int64_t token_bytes = 1;     // of the cache, for one token of one slot
  std::int64_t kv_bytes = 0;        // of the cache: all slots are equally long
};

// Consecutive items [begin, end).
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

// Where the wave ends that begins with prompts[begin]: it takes all prompts of
// a picture while the limits last; those of one picture that are more than a
// wave are cut. begin < prompts.size().
std::size_t wave_end(std::span<const Prompt> prompts, std::size_t begin,
                     const WaveLimits& limits);

// Prompts of a wave that ask about one picture, and how many leading ids they
// share; 0 where that is not all of the picture.
struct Group {
  Range prompts;  // of the wave
  std::int64_t prefix = 0;

  bool operator==(const Group&) const = default;
};

// A prompt without a picture is a group of its own.
std::vector<Group> form_groups(std::span<const Prompt> wave,
                               std::int64_t image_token_id);

// A stretch of one sequence that a prefill pass computes: its ids [begin, end).
struct Stretch {
  std::size_t sequence = 0;  // of the wave
  std::int64_t begin = 0;
  std::int64_t end = 0;
  // Sequences that want the row read at the last state of the stretch: those
  // from `sequence` on, all of the group for a shared prefix.
  std::size_t readers = 1;

  std::int64_t length() const { return end - begin; }
  bool operator==(const Stretch&) const = default;
};

// First what groups share, computed for their first sequence, then what each
// sequence has for itself.
struct Prefill {
  std::vector<Stretch> prefixes;
  std::vector<Stretch> suffixes;
};

Prefill plan_prefill(std::span<const Prompt> wave,
                     std::span<const Group> groups);

// Packs items in their order: a pack holds one item, or as many as are at most
// `most` together.
std::vector<Range> pack(std::span<const std::int64_t> sizes, std::int64_t most);

// Rows of one pass that are captured: where in the pack, and the token that
// each predicts.
struct Capture {
  std::vector<std::int64_t> packed;
  std::vector<CapturedRow> rows;

  void add(std::int64_t packed_row, const CapturedRow& row) {
    packed.push_back(packed_row);
    rows.push_back(row);
  }
};

// One prefill pass over stretches, laid one after another.
struct PrefillPass {
  std::vector<std::int64_t> ids;
  Capture wanted;  // rows of prompt tokens; CapturedRow::prompt is of the wave
  std::vector<std::size_t> finishing;   // sequences whose prompt ends here
  std::vector<std::int64_t> last_rows;  // and the packed rows where
};

PrefillPass plan_pass(std::span<const Prompt> wave,
                      std::span<const Stretch> stretches);

}  // namespace lens::engine
