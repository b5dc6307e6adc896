#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/prompt.h"
#include "model/shape.h"
#include "model/sites.h"

namespace lens::readout {

// How much of its attention each token that predicts one of the answer gives to
// the picture, block by block. Let A_h(j) be what it takes by head h from token
// j, I the picture's tokens:
//
//   mean     mean over h of m_h = sum over I of A_h(j)
//   largest  max over h of m_h
//   entropy  - sum over I of a(j) ln a(j), a(j) = mean over h of A_h(j),
//   divided
//            by its sum over I; 0 where that is 0
//
// Exact: each A_h is the softmax over all tokens before. m is VAR of
// arXiv 2411.16724. Given to the engine as its observer. Of a model whose heads
// several ranks have it would see a part.
class ImageAttention : public model::Observer {
 public:
  // The prompts as the engine is given them; they must outlive it.
  ImageAttention(std::span<const engine::Prompt> prompts,
                 const model::Shape& shape);

  bool wants(model::Site site) const override {
    return site.kind == model::Site::Kind::kLastAttention;
  }
  void visit(model::Site site, const model::Rows& rows,
             at::Tensor& value) override;

  // [blocks] each.
  struct Row {
    std::span<const float> mean;
    std::span<const float> largest;
    std::span<const float> entropy;
  };
  // Of the token that predicts number `answer` of the prompt's answer. Throws
  // std::out_of_range for one that was not computed.
  Row row(int prompt, std::int64_t answer) const;

 private:
  struct Sequence {
    std::int64_t length = 0;  // of the prompt
    std::int64_t begin = 0;   // of the picture's tokens
    std::int64_t end = 0;
    std::vector<float> values;  // [answer][mean, largest, entropy][block]
  };

  const std::int64_t blocks_;
  std::vector<Sequence> sequences_;  // by prompt
};

}  // namespace lens::readout
