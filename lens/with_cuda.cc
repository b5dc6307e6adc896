#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/sin.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

#include "collective/verdict.h"
#include "lens/agreement.h"
#include "lens/cpu/backend.h"
#include "lens/cuda_backend.h"

namespace lens::readout {
namespace {

// Empty, or why the kernels must not be used with this head. The ids are cut
// off where two chunks and a tail that is no multiple of four are read. Each
// rank reads its own: one whose GPU fails lets no other wait.
std::string self_check(const Head& head, int top_k) {
  constexpr std::int64_t kIds = 16384 + 3619;
  constexpr std::int64_t kTokens = 3;
  constexpr std::int64_t kStates = 5;
  Head part = head;
  const std::int64_t ids = std::min(kIds, head.weight.size(0));
  part.weight = head.weight.narrow(0, 0, ids);
  part.script_class = head.script_class.narrow(0, 0, ids);
  part.first_id = 0;
  part.ranks = nullptr;
  const auto options = part.weight.options();
  // No random numbers: the generators belong to whoever uses this library. The
  // tokens' last states grow, from flat distributions to peaked ones.
  const at::Tensor states =
      (at::sin(at::arange(kTokens * kStates * head.weight.size(1),
                          options.dtype(at::kFloat))
                   .pow(1.5))
           .view({kTokens, kStates, -1}) *
       at::arange(1, kTokens + 1, options.dtype(at::kFloat)).view({-1, 1, 1}) *
       4)
          .to(part.weight.scalar_type());
  const at::Tensor targets =
      at::arange(kTokens, options.dtype(at::kLong)) * (ids - 1) / (kTokens - 1);
  try {
    return disagreement(
        cuda_backend(part, top_k)->read(states, targets.to(at::kLong)),
        reference_backend(part, top_k)->read(states, targets.to(at::kLong)));
  } catch (const c10::Error& problem) {
    return problem.what_without_backtrace();
  } catch (const std::exception& problem) {
    return problem.what();
  }
}

}  // namespace

std::unique_ptr<Backend> fastest_backend(Head head, int top_k) {
  if (!head.weight.is_cuda()) return cpu::best_backend(std::move(head), top_k);
  std::string problem = self_check(head, top_k);
  // All ranks read in the same manner: their calls have to fit.
  if (head.ranks) problem = collective::common_verdict(*head.ranks, problem);
  if (problem.empty()) return cuda_backend(std::move(head), top_k);
  if (!head.ranks || head.ranks->rank() == 0) {
    std::clog << "the lens runs without its own kernels, slower (" << problem
              << "); check the driver of the GPU\n";
  }
  return reference_backend(std::move(head), top_k);
}

}  // namespace lens::readout
