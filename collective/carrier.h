#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "collective/collective.h"

namespace lens::collective {

// What carriers make in the same way of values that each moves in its own.
class Carrier : public Collective {
 protected:
  // The step of a call: what it sends must not meet that of another step.
  enum class Step { kBroadcast, kGather, kExchange, kShare };

  explicit Carrier(const Carriage& carriage) : carriage_(carriage) {}

  const Carriage& carriage() const { return carriage_; }

  // [size, ...]: the values of all ranks in their order, on every rank.
  //   own  contiguous
  virtual at::Tensor collect(const at::Tensor& own, Step step) = 0;

  // Gives to[r] to each other rank r and fills from[r] with what that one
  // gives: contiguous, and some empty on both sides.
  virtual void exchange(const std::vector<at::Tensor>& to,
                        const std::vector<at::Tensor>& from) = 0;

  // The ordered sum of summable parts, rounded to `dtype`: whole or in slices,
  // by the size.
  at::Tensor add_up(const at::Tensor& part, at::ScalarType dtype);
  // Each rank is given its slice of all parts, adds them up, and gives the
  // rounded sum to all.
  //   own  [values]
  at::Tensor add_up_in_slices(const at::Tensor& own, at::ScalarType dtype);

 private:
  const Carriage carriage_;
};

// For calls after one that failed.
[[noreturn]] void throw_broken(const std::string& why);

}  // namespace lens::collective
