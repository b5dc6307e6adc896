#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace lens::table {

// Values of the `status` column. They reach disk: they must not change.
enum class SampleStatus : std::uint8_t { kOk = 0, kFailed = 1 };

// Values of the `token_role` column. They reach disk: they must not change.
enum class TokenRole : std::uint8_t {
  kTemplate = 0,
  kImage = 1,
  kQuestion = 2,
  kAnswer = 3,
  kEndOfAnswer = 4,
};

// One row of the columns that have a row to each sample.
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

}  // namespace lens::table
