#pragma once

#include <cstdint>
#include <vector>

#include "analysis/metrics/token_metrics.h"
#include "table/sample_record.h"

namespace lens::analysis::metrics {

// Whether an answer counts as right: score >= SampleTableOptions::right_score.
enum class Verdict { kRight, kWrong, kUnknown };

// One sample as the file has it, and its tokens reduced to means by layer. The
// texts (prompt, reference, answer) and entropy_mean are left in the file.
// Means are over its answer tokens (role 3, without the end token); where there
// is none, they are empty.
struct SampleRow : table::SampleRecord {
  std::int64_t sample = 0;  // row of the group
  bool ok = false;
  Verdict verdict = Verdict::kUnknown;
  std::int64_t reference_characters = 0;  // code points
  // Rows of the token columns.
  std::int64_t token_begin = 0, token_end = 0;
  std::int32_t tokens = 0;  // those the means are over

  // [layer], empty where tokens == 0.
  std::vector<float> entropy;         // nats
  std::vector<float> kl_final;        // nats
  std::vector<float> target_logprob;  // nats
  std::vector<float> log_rank;        // natural logarithm of target_rank
  std::vector<float> agreement;       // share of tokens on top at this state
  std::vector<float> script_share;    // [layer, script]
  // [block], of layers from 1 on; also empty where the file does not have it.
  std::vector<float> image_attention;

  // Tokens by the layer found, [layer]; those without one are not counted.
  std::vector<std::int32_t> onset_count;
  std::vector<std::int32_t> drop_count;
  std::vector<std::int32_t> depth_count;
  std::vector<std::int32_t> first_hit_count;

  // The least layer from which on every answer token, the end token included,
  // is on top at every state; kNoLayer where there is none. `same_answer`
  // [layer]: 1 where a model that stopped at this state alone would have
  // written the same answer.
  int settled = kNoLayer;
  std::vector<std::uint8_t> same_answer;
};

}  // namespace lens::analysis::metrics
