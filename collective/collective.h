#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace lens::collective {

// The processes that compute one unit together, seen from one of them. All call
// the same functions in the same order with tensors of the same shapes.
class Collective {
 public:
  virtual ~Collective() = default;

  virtual int rank() const = 0;  // 0 .. size() - 1
  virtual int size() const = 0;

  // Gives every rank the values of rank 0, in place: any dtype, contiguous.
  virtual void broadcast(const at::Tensor& values) = 0;

  // The sum of the ranks' float32 parts, added in the order of their ranks: the
  // same bits on every rank, whatever carries them. A sum whose order followed
  // from sizes or cables would give other bits with another batch.
  virtual at::Tensor ordered_sum(const at::Tensor& part) = 0;

  // [size, ...]: the parts of all ranks in their order, on every rank.
  virtual at::Tensor gather(const at::Tensor& part) = 0;
};

// One process, which has nobody to talk to.
std::unique_ptr<Collective> one_process();

}  // namespace lens::collective
