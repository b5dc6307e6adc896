#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace lens::storage {

// Values of the `status` data set. They reach disk: they must not change.
enum class SampleStatus : std::uint8_t { kOk = 0, kFailed = 1 };

// Values of the `token_role` data set. They reach disk: they must not change.
enum class TokenRole : std::uint8_t {
  kTemplate = 0,
  kImage = 1,
  kQuestion = 2,
  kAnswer = 3,
  kEndOfAnswer = 4,
};

struct SampleRecord {
  std::string sample_id;  // "row" or "row.question"
  std::int64_t source_row = 0;
  std::int32_t question_index = 0;
  std::string language;  // as in the data set; "" for latex_ocr
  std::string prompt;    // the text after the image, as the user would type it
  std::string reference;
  std::string answer;
  std::string failure;  // reason, where status is kFailed
  SampleStatus status = SampleStatus::kOk;
  std::int32_t image_height = 0, image_width = 0;  // source pixels after EXIF
  std::int32_t grid_height = 0, grid_width = 0;    // patches
  std::int32_t image_tokens = 0;
  std::int32_t prompt_tokens = 0;
  std::int32_t answer_tokens = 0;  // without the end token
  float score = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> entropy_mean;  // [layer], nats; NaN where failed or empty

  bool operator==(const SampleRecord&) const = default;
};

// What one unit produced. Flat columns, token rows of sample s lie at
// token_offset[s] .. token_offset[s+1]-1. A failed sample owns no token.
struct UnitResult {
  std::int32_t layers = 0;   // N+1 states
  std::int32_t ranks = 0;    // k
  std::int32_t scripts = 0;  // script classes

  std::vector<SampleRecord> samples;
  std::vector<std::int64_t> token_offset = {0};  // [sample + 1]

  std::vector<std::int32_t> token_id;        // [token]
  std::vector<std::int32_t> token_position;  // [token]
  std::vector<std::uint8_t> token_role;      // [token], TokenRole
  std::vector<float> entropy;                // [token, layer], nats
  std::vector<float> kl_final;               // [token, layer], nats
  std::vector<float> target_logprob;         // [token, layer], nats
  std::vector<std::int32_t> target_rank;     // [token, layer], from 1
  std::vector<std::int32_t> top_id;          // [token, layer, rank]
  std::vector<float> top_logprob;            // [token, layer, rank], nats
  std::vector<float> script_share;           // [token, layer, script], 0..1

  // Raw states, only with save_hidden: [token, hidden_layer, hidden_size].
  std::vector<std::int32_t> hidden_layer;
  std::int32_t hidden_size = 0;
  std::vector<float> hidden;

  bool operator==(const UnitResult&) const = default;
};

}  // namespace lens::storage
