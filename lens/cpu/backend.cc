#include "lens/cpu/backend.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

#include "lens/cpu/isa.h"
#include "lens/cpu/token_block.h"
#include "lens/id_range.h"
#include "lens/projection.h"

namespace lens::readout::cpu {
namespace {

// Rows that pass the head together: more would leave the last cache, fewer
// would read the weights oftener.
constexpr std::int64_t kMaxRows = 1024;
// Rows that ranks exchange at once, whatever their numbers of threads: some
// megabytes of sums, while the rows themselves have to wait.
constexpr std::int64_t kRowsBetweenRanks = 16384;

class CpuBackend : public Backend {
 public:
  CpuBackend(Head head, int top_k, const Kernel& kernel)
      : head_(std::move(head)),
        ids_(head_),
        projection_(final_norm(head_.norm_weight, head_.norm_eps)),
        kernel_(kernel),
        panels_(head_.weight.contiguous(), kernel),
        script_class_(head_.script_class.to(at::kByte).contiguous()),
        view_{kernel_,
              panels_,
              script_class_.const_data_ptr<std::uint8_t>(),
              head_.scripts,
              static_cast<int>(std::min<std::int64_t>(top_k, ids_.vocab())),
              static_cast<std::int32_t>(ids_.first_id())} {}

  Readout read(const at::Tensor& states, const at::Tensor& targets) override {
    const std::int64_t tokens = states.size(0);
    const std::int64_t layers = states.size(1);
    Readout readout = empty_readout(tokens, layers);
    // Each block is read in kParts tasks: as many blocks at once as threads
    // need, and each smaller where there are few tokens for them.
    const std::int64_t at_once =
        (2 * at::get_num_threads() + kParts - 1) / kParts;
    const std::int64_t step =
        std::clamp<std::int64_t>((tokens + at_once - 1) / at_once, 1,
                                 std::max<std::int64_t>(1, kMaxRows / layers));
    const std::int64_t together =
        ids_.is_whole() ? at_once * step
                        : std::max<std::int64_t>(1, kRowsBetweenRanks / layers);
    const at::Tensor places = ids_.places(targets);
    const at::Tensor ids = ids_.rows_to_read(places).contiguous();
    for (std::int64_t begin = 0; begin < tokens; begin += together) {
      const std::int64_t end = std::min(begin + together, tokens);
      Blocks blocks;
      for (std::int64_t first = begin; first < end; first += step) {
        const std::int64_t count = std::min(step, end - first);
        blocks.push_back(std::make_unique<TokenBlock>(
            view_, rows_of(states.narrow(0, first, count)), layers,
            ids.narrow(0, first, count), first));
      }
      if (!ids_.is_whole()) {
        share_target_logits(blocks, begin, places.narrow(0, begin, end - begin),
                            layers);
      }
      for (std::size_t i = 0; i < blocks.size(); i += at_once) {
        sweep(std::span(blocks).subspan(
                  i, std::min<std::size_t>(at_once, blocks.size() - i)),
              step);
      }
      if (!ids_.is_whole()) share_sums(blocks, begin, (end - begin) * layers);
      for (const auto& block : blocks) block->finish(&readout);
    }
    return readout;
  }

  std::string_view name() const override { return kernel_.name; }

 private:
  using Blocks = std::vector<std::unique_ptr<TokenBlock>>;

  at::Tensor rows_of(const at::Tensor& states) const {
    return head_rows(*projection_, states).to(value_type(kernel_)).contiguous();
  }

  void share_target_logits(const Blocks& blocks, std::int64_t token,
                           const at::Tensor& places,
                           std::int64_t states) const {
    const at::Tensor own = at::empty({places.size(0) * states}, at::kFloat);
    for (const auto& block : blocks) block->give_target_logits(token, own);
    const at::Tensor all = ids_.target_logits(own, places);
    for (const auto& block : blocks) block->take_target_logits(token, all);
  }

  void share_sums(const Blocks& blocks, std::int64_t token,
                  std::int64_t rows) const {
    const at::Tensor own = at::empty(
        {rows, Part::values_of_slot(view_.scripts, view_.top_k)}, at::kDouble);
    for (const auto& block : blocks) block->give_sums(token, own);
    const at::Tensor by_rank = ids_.gather(own);
    for (const auto& block : blocks) block->take_sums(token, by_rank);
  }

  // Threads take what is next: they are not equally fast.
  void sweep(std::span<const std::unique_ptr<TokenBlock>> blocks,
             std::int64_t most_tokens) const {
    const std::int64_t final_groups =
        (most_tokens + kernel_.lanes - 1) / kernel_.lanes;
    const auto tasks = static_cast<std::int64_t>(blocks.size()) * kParts;
    std::atomic<std::int64_t> next = 0;
    at::parallel_for(0, std::min<std::int64_t>(at::get_num_threads(), tasks), 1,
                     [&](std::int64_t, std::int64_t) {
                       TokenBlock::Scratch scratch(view_, final_groups);
                       for (std::int64_t task = next++; task < tasks;
                            task = next++) {
                         blocks[task / kParts]->sweep(
                             static_cast<int>(task % kParts), &scratch);
                       }
                     });
    for (const auto& block : blocks) block->join();
  }

  Readout empty_readout(std::int64_t tokens, std::int64_t states) const {
    const auto column = [&](at::ScalarType type) {
      return at::empty({tokens, states}, type);
    };
    Readout readout;
    readout.get<"entropy">() = column(at::kFloat);
    readout.get<"kl_final">() = column(at::kFloat);
    readout.get<"varentropy">() = column(at::kFloat);
    readout.get<"target_logprob">() = column(at::kFloat);
    readout.get<"target_rank">() = column(at::kInt);
    readout.logsumexp = column(at::kFloat);
    readout.get<"top_id">() =
        at::empty({tokens, states, view_.top_k}, at::kInt);
    readout.get<"top_logprob">() =
        at::empty({tokens, states, view_.top_k}, at::kFloat);
    readout.get<"script_share">() =
        at::empty({tokens, states, view_.scripts}, at::kFloat);
    return readout;
  }

  // constant after construction
  const Head head_;
  const IdRange ids_;
  const std::unique_ptr<const Projection> projection_;
  const Kernel& kernel_;
  const WeightPanels panels_;
  const at::Tensor script_class_;  // [ids] uint8
  const HeadView view_;
};

}  // namespace

std::unique_ptr<Backend> backend(Head head, int top_k, const Kernel& kernel) {
  return std::make_unique<CpuBackend>(std::move(head), top_k, kernel);
}

std::unique_ptr<Backend> best_backend(Head head, int top_k) {
  const char* const isa = std::getenv("LENS_ISA");
  const Kernel& kernel =
      choose_kernel(head.weight.scalar_type() == at::kBFloat16,
                    head.weight.size(1), isa == nullptr ? "" : isa);
  return backend(std::move(head), top_k, kernel);
}

}  // namespace lens::readout::cpu
