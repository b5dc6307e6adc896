#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <memory>

#include "collective/collective_error.h"

namespace lens::collective {

// The processes that compute one unit together, seen from one of them. All call
// the same functions in the same order with tensors of the same shapes, each
// from one thread.
//
// A call in which another rank does not take its part throws CollectiveError
// within the deadline of what carries it, and so does every call after that:
// the ranks no longer hold the same, and messages are still under way. A call
// may return before the others have what it sent; the next one notices then.
// Whoever catches the error ends the process, without waiting for the others.
class Collective {
 public:
  virtual ~Collective() = default;

  virtual int rank() const = 0;  // 0 .. size() - 1
  virtual int size() const = 0;

  // Gives every rank the values of rank 0, in place: any dtype, contiguous.
  virtual void broadcast(const at::Tensor& values) = 0;

  // A broadcast that the other ranks wait for without a deadline: rank 0 may
  // have no work for hours. Whoever started them ends them where it dies.
  virtual void await(const at::Tensor& values) { broadcast(values); }

  // Returns when all ranks have called it, however long one of them takes, for
  // weights to come from a slow disk.
  virtual void wait_for_all() = 0;

  // The sum of the ranks' float32 parts, added in the order of their ranks and
  // rounded once to `dtype`: the same bits on every rank, whatever carries
  // them. A sum whose order followed from sizes or cables would give other bits
  // with another batch. May be the part itself where there is one rank.
  virtual at::Tensor rounded_sum(const at::Tensor& part,
                                 at::ScalarType dtype) = 0;
  at::Tensor ordered_sum(const at::Tensor& part) {
    return rounded_sum(part, at::kFloat);
  }

  // [size, ...]: the parts of all ranks in their order, on every rank.
  virtual at::Tensor gather(const at::Tensor& part) = 0;
};

// How values travel. None of it changes a bit of a result.
struct Carriage {
  std::chrono::milliseconds deadline{60'000};  // of one call
  // Parts up to this go whole to everybody, who adds them up: one exchange.
  // Larger ones in slices, each added up by one rank: two, of less traffic.
  std::int64_t whole_bytes = 64 << 10;
  // A larger message goes in pieces: MPI counts in an int.
  std::int64_t message_bytes = 1 << 30;
};

// One process, which has nobody to talk to.
std::unique_ptr<Collective> one_process();

}  // namespace lens::collective
