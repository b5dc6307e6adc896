#include "lens/cuda_backend.h"

#include <ATen/DeviceGuard.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lens/id_range.h"
#include "lens/limits.h"
#include "lens/projection.h"
#include "lens/sweep.h"
#include "lens/top_list.h"
#include "model/cuda/fused.h"

namespace lens::readout {
namespace {

// Logits held at once, 2,048 rows of float32: at most 198 MiB. A shorter chunk
// would stay in the L2 cache, but pay more for launches and beginnings
// (measured on an H200).
constexpr std::int64_t kChunk = 25344;  // 99 tiles of 256

void expect_launched(const char* problem) {
  if (!problem) return;
  throw std::runtime_error("cannot run the lens on the GPU (" +
                           std::string(problem) +
                           "); check nvidia-smi, or use the CPU");
}

// The readout on the device: rows of all tokens.
struct Found {
  at::Tensor entropy, varentropy, kl_final, target_logprob, logsumexp;
  at::Tensor target_rank;          // int32
  at::Tensor script_share;         // [rows, scripts]
  at::Tensor top_logprob, top_id;  // [rows, k]
};

class CudaBackend final : public Backend {
 public:
  CudaBackend(Head head, int top_k)
      : head_(std::move(head)),
        ids_(head_),
        projection_(final_norm(head_.norm_weight, head_.norm_eps)),
        top_k_(std::min<std::int64_t>(top_k, ids_.vocab())),
        script_class_(head_.script_class.to(at::kByte).contiguous()) {
    const std::int64_t vocab = head_.weight.size(0);
    chunk_ = std::min(kChunk, vocab);
    for (std::int64_t begin = 0; begin < vocab; begin += chunk_) {
      parts_.push_back(
          head_.weight.narrow(0, begin, std::min(chunk_, vocab - begin)).t());
    }
  }

  Readout read(const at::Tensor& states, const at::Tensor& targets) override {
    const at::DeviceGuard guard(states.device());
    const std::int64_t tokens = states.size(0);
    const std::int64_t most = tokens_at_once(states.size(1));
    // Blocks of one size: a short last one would read the head for little.
    const std::int64_t blocks = (tokens + most - 1) / most;
    const std::int64_t step = blocks == 0 ? 1 : (tokens + blocks - 1) / blocks;
    const Found found = make_found(states);
    const at::Tensor places = ids_.places(targets);
    // One buffer for all blocks: work on one stream comes one after another.
    const at::Tensor buffer =
        at::empty({std::min(step, tokens) * states.size(1) * chunk_},
                  states.options().dtype(at::kFloat));
    for (std::int64_t begin = 0; begin < tokens; begin += step) {
      const std::int64_t length = std::min(step, tokens - begin);
      read_block(states.narrow(0, begin, length),
                 places.narrow(0, begin, length), begin * states.size(1),
                 buffer, found);
    }
    return to_host(found, tokens, states.size(1));
  }

  std::string_view name() const override { return "CUDA kernels"; }

 private:
  Found make_found(const at::Tensor& states) const {
    const std::int64_t rows = states.size(0) * states.size(1);
    const auto column = [&](at::IntArrayRef sizes, at::ScalarType type) {
      return at::empty(sizes, states.options().dtype(type));
    };
    Found found;
    for (at::Tensor* one : {&found.entropy, &found.varentropy, &found.kl_final,
                            &found.target_logprob, &found.logsumexp}) {
      *one = column({rows}, at::kFloat);
    }
    found.target_rank = column({rows}, at::kInt);
    found.script_share = column({rows, head_.scripts}, at::kFloat);
    found.top_logprob = column({rows, top_k_}, at::kFloat);
    found.top_id = column({rows, top_k_}, at::kInt);
    return found;
  }

  bool long_lists() const { return top_k_ > kMaxTopOnGpu; }

  // Reads tokens whose rows begin at `first` of what is found.
  void read_block(const at::Tensor& states, const at::Tensor& places,
                  std::int64_t first, const at::Tensor& buffer,
                  const Found& found) const {
    const at::Tensor rows = head_rows(*projection_, states);
    const at::Tensor target_places = places.contiguous();
    const at::Tensor target_logit = ids_.target_logits(
        target_logits(rows, head_.weight, ids_.rows_to_read(target_places)),
        target_places);
    const std::int64_t count = rows.size(0);
    Sweep sweep;
    sweep.device = rows.device().index();
    sweep.rows = count;
    sweep.states = states.size(1);
    sweep.scripts = head_.scripts;
    sweep.top_k = long_lists() ? 0 : static_cast<int>(top_k_);
    sweep.splits = sweep_splits(count, sweep.states);
    sweep.first_id = static_cast<std::int32_t>(ids_.first_id());
    sweep.target = target_places.const_data_ptr<std::int64_t>();
    sweep.target_logit = target_logit.const_data_ptr<float>();
    sweep.script_class = script_class_.const_data_ptr<std::uint8_t>();
    const std::vector<at::Tensor> own = make_sums(sweep, rows.device());
    point_to(own, &sweep);

    void* const stream = model::cuda::current_stream(rows.device());
    TopList top;
    std::int64_t begin = 0;
    for (const at::Tensor& part : parts_) {
      const std::int64_t length = part.size(1);
      at::Tensor logits =
          buffer.narrow(0, 0, count * length).view({count, length});
      if (rows.scalar_type() == at::kFloat) {
        at::mm_out(logits, rows, part);
      } else {
        // bfloat16 in, float32 out: logits that nothing has rounded.
        at::mm_out(logits, rows, part, at::kFloat);
      }
      if (long_lists()) top.take(logits, ids_.first_id() + begin, top_k_);
      // libtorch gives the memory of a tensor only to later work of the same
      // stream: it may go before a kernel has run.
      expect_launched(sweep_chunk(sweep, logits.const_data_ptr<float>(), begin,
                                  length, stream));
      begin += length;
    }
    const std::vector<at::Tensor> all = over_ranks(own);
    point_to(all, &sweep);
    sweep.splits *= ids_.ranks();
    expect_launched(sweep_finish(sweep, result_at(found, first), stream));
    if (!long_lists()) return;
    top = top.over_ranks(ids_, top_k_);
    found.top_id.narrow(0, first, count).copy_(top.id);
    found.top_logprob.narrow(0, first, count)
        .copy_(
            (top.value - found.logsumexp.narrow(0, first, count).unsqueeze(-1))
                .clamp_max(0));
  }

  // What the sweep writes between chunks, in bytes: states, classes, values and
  // ids of the lists.
  static std::vector<at::Tensor> make_sums(const Sweep& sweep,
                                           at::Device device) {
    std::vector<at::Tensor> sums;
    for (const std::size_t size :
         {sizeof(SweepState), sweep.scripts * sizeof(double),
          sweep.top_k * sizeof(float), sweep.top_k * sizeof(std::int32_t)}) {
      sums.push_back(at::empty(
          {sweep.splits * sweep.rows * static_cast<std::int64_t>(size)},
          at::TensorOptions(at::kByte).device(device)));
    }
    return sums;
  }

  static void point_to(const std::vector<at::Tensor>& sums, Sweep* sweep) {
    sweep->state = static_cast<SweepState*>(sums[0].mutable_data_ptr());
    sweep->script = static_cast<double*>(sums[1].mutable_data_ptr());
    sweep->top_value = static_cast<float*>(sums[2].mutable_data_ptr());
    sweep->top_id = static_cast<std::int32_t*>(sums[3].mutable_data_ptr());
  }

  // The sums of all ranks' splits, in their order, by one message: the first
  // dimension of each, splits, becomes longer.
  std::vector<at::Tensor> over_ranks(const std::vector<at::Tensor>& own) const {
    if (ids_.is_whole()) return own;
    const at::Tensor by_rank = ids_.gather(at::cat(own));
    std::vector<at::Tensor> all;
    std::int64_t begin = 0;
    for (const at::Tensor& sums : own) {
      all.push_back(by_rank.narrow(1, begin, sums.size(0)).contiguous());
      begin += sums.size(0);
    }
    return all;
  }

  SweepResult result_at(const Found& found, std::int64_t row) const {
    const auto floats = [row](const at::Tensor& column) {
      return column.mutable_data_ptr<float>() + row * column.stride(0);
    };
    const auto integers = [row](const at::Tensor& column) {
      return column.mutable_data_ptr<std::int32_t>() + row * column.stride(0);
    };
    SweepResult result;
    result.entropy = floats(found.entropy);
    result.varentropy = floats(found.varentropy);
    result.kl_final = floats(found.kl_final);
    result.target_logprob = floats(found.target_logprob);
    result.logsumexp = floats(found.logsumexp);
    result.target_rank = integers(found.target_rank);
    result.script_share = floats(found.script_share);
    result.top_logprob = floats(found.top_logprob);
    result.top_id = integers(found.top_id);
    return result;
  }

  static Readout to_host(const Found& found, std::int64_t tokens,
                         std::int64_t states) {
    const auto column = [&](const at::Tensor& rows) {
      const at::Tensor host = rows.to(at::kCPU);
      return host.dim() == 1 ? host.view({tokens, states})
                             : host.view({tokens, states, host.size(1)});
    };
    Readout readout;
    readout.get<"entropy">() = column(found.entropy);
    readout.get<"varentropy">() = column(found.varentropy);
    readout.get<"kl_final">() = column(found.kl_final);
    readout.get<"target_logprob">() = column(found.target_logprob);
    readout.get<"target_rank">() = column(found.target_rank);
    readout.get<"top_id">() = column(found.top_id);
    readout.get<"top_logprob">() = column(found.top_logprob);
    readout.get<"script_share">() = column(found.script_share);
    readout.logsumexp = column(found.logsumexp);
    return readout;
  }

  // constant after construction
  const Head head_;
  const IdRange ids_;
  const std::unique_ptr<const Projection> projection_;
  const std::int64_t top_k_;
  const at::Tensor script_class_;  // [ids] uint8
  std::int64_t chunk_ = 0;         // ids of one product
  std::vector<at::Tensor> parts_;  // [hidden_size, ids] of the head, in order
};

}  // namespace

std::unique_ptr<Backend> cuda_backend(Head head, int top_k) {
  return std::make_unique<CudaBackend>(std::move(head), top_k);
}

}  // namespace lens::readout
