#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include "lens/readout.h"

namespace lens::readout {

inline constexpr int kRandomScripts = 5;

// The head of no model, on the CPU; draws from the global generator.
inline Head random_head(std::int64_t vocab, std::int64_t hidden,
                        at::ScalarType dtype) {
  Head head;
  head.norm_weight = (1 + 0.2 * at::randn({hidden})).to(dtype);
  head.weight = (0.3 * at::randn({vocab, hidden})).to(dtype);
  head.script_class = at::randint(0, kRandomScripts, {vocab}, at::kLong);
  head.scripts = kRandomScripts;
  return head;
}

// The part of a head that a rank has.
inline Head part_of(const Head& head, std::int64_t first, std::int64_t count) {
  Head part = head;
  part.weight = head.weight.narrow(0, first, count);
  part.script_class = head.script_class.narrow(0, first, count);
  part.first_id = first;
  return part;
}

}  // namespace lens::readout
