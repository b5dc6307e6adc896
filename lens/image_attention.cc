#include "lens/image_attention.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace lens::readout {
namespace {

constexpr std::int64_t kKinds = 3;

struct Looked {
  float mean = 0;
  float largest = 0;
  float entropy = 0;
};

// weights [heads], rows `width` apart; the picture's are [begin, end).
Looked look(const float* weights, std::int64_t heads, std::int64_t width,
            std::int64_t begin, std::int64_t end, std::vector<double>& mean) {
  mean.assign(static_cast<std::size_t>(end - begin), 0.0);
  Looked looked;
  for (std::int64_t head = 0; head < heads; ++head) {
    const float* const row = weights + head * width;
    double mass = 0;
    for (std::int64_t j = begin; j < end; ++j) {
      mass += row[j];
      mean[static_cast<std::size_t>(j - begin)] += row[j];
    }
    looked.largest = std::max(looked.largest, static_cast<float>(mass));
  }
  // - sum of (w / s) ln (w / s) = ln s - (sum of w ln w) / s, whatever the
  // scale of w: that of the sum over heads.
  double sum = 0;
  double weighted = 0;
  for (const double w : mean) {
    sum += w;
    if (w > 0) weighted += w * std::log(w);
  }
  looked.mean = static_cast<float>(sum / static_cast<double>(heads));
  looked.entropy =
      sum > 0
          ? static_cast<float>(std::max(0.0, std::log(sum) - weighted / sum))
          : 0;
  return looked;
}

}  // namespace

ImageAttention::ImageAttention(std::span<const engine::Prompt> prompts,
                               const model::Shape& shape)
    : blocks_(shape.num_layers) {
  for (const engine::Prompt& prompt : prompts) {
    const auto first =
        std::find(prompt.ids.begin(), prompt.ids.end(), shape.image_token_id);
    const auto last = std::find_if(first, prompt.ids.end(), [&](auto id) {
      return id != shape.image_token_id;
    });
    sequences_.push_back(
        {.length = static_cast<std::int64_t>(prompt.ids.size()),
         .begin = first - prompt.ids.begin(),
         .end = last - prompt.ids.begin(),
         .values = {}});
  }
}

void ImageAttention::visit(model::Site site, const model::Rows& rows,
                           at::Tensor& value) {
  const at::Tensor here = value.to(at::kCPU).contiguous();
  const auto* const weights = here.const_data_ptr<float>();
  const std::int64_t heads = here.size(1);
  const std::int64_t width = here.size(2);
  std::vector<double> mean;
  for (std::size_t i = 0; i < rows.segments.size(); ++i) {
    const model::Segment& segment = rows.segments[i];
    // What several prompts share, or stands before a prompt's end, predicts no
    // token of an answer.
    if (segment.owners.count != 1) continue;
    Sequence& sequence =
        sequences_.at(static_cast<std::size_t>(segment.owners.first));
    const std::int64_t answer = segment.past + 1 - sequence.length;
    if (answer < 0) continue;
    const Looked looked =
        look(weights + static_cast<std::int64_t>(i) * heads * width, heads,
             width, sequence.begin, sequence.end, mean);
    const std::int64_t at = answer * kKinds * blocks_ + site.layer;
    const auto needed =
        static_cast<std::size_t>((answer + 1) * kKinds * blocks_);
    if (sequence.values.size() < needed) sequence.values.resize(needed);
    float* const out = sequence.values.data() + at;
    out[0] = looked.mean;
    out[blocks_] = looked.largest;
    out[2 * blocks_] = looked.entropy;
  }
}

ImageAttention::Row ImageAttention::row(int prompt, std::int64_t answer) const {
  const std::vector<float>& values =
      sequences_.at(static_cast<std::size_t>(prompt)).values;
  const std::int64_t begin = answer * kKinds * blocks_;
  if (begin < 0 ||
      static_cast<std::size_t>(begin + kKinds * blocks_) > values.size()) {
    throw std::out_of_range("attention of a token that was not computed");
  }
  const auto part = [&](std::int64_t kind) {
    return std::span(values).subspan(
        static_cast<std::size_t>(begin + kind * blocks_),
        static_cast<std::size_t>(blocks_));
  };
  return {part(0), part(1), part(2)};
}

}  // namespace lens::readout
