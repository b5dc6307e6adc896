#include "lens/chunked.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lens/cpu_reduce.h"
#include "lens/projection.h"

namespace lens::readout {
namespace {

// 2,048 rows x 4,096 ids of float32: 32 MiB between the product and the
// reducer.
constexpr std::int64_t kChunkElements = 8 << 20;
constexpr std::int64_t kMaxRows = 2048;
// Few rows: short chunks would be all launches, long ones cost digits. Both are
// multiples of 4, so that rows begin on 16 bytes except in a tail.
constexpr std::int64_t kMinChunk = 1024;
constexpr std::int64_t kMaxChunk = 16384;
// Rows that one thread writes at least.
constexpr std::int64_t kGrain = 256;

// Keeps a NaN, which std::max(0.0, NaN) would turn into 0.
double at_least_zero(double value) { return value < 0 ? 0 : value; }
double at_most_zero(double value) { return value > 0 ? 0 : value; }

class ChunkedBackend : public Backend {
 public:
  ChunkedBackend(Head head, int top_k, ChunkReducer reduce)
      : head_(std::move(head)),
        projection_(final_norm(head_.norm_weight, head_.norm_eps)),
        top_k_(std::min<std::int64_t>(top_k, head_.weight.size(0))),
        script_class_(head_.script_class.to(at::kByte).contiguous()),
        reduce_(std::move(reduce)) {}

  Readout read(const at::Tensor& states, const at::Tensor& targets) override {
    const std::int64_t tokens = states.size(0);
    const std::int64_t step =
        std::max<std::int64_t>(1, kMaxRows / states.size(1));
    Readout readout = empty_readout(tokens, states.size(1));
    for (std::int64_t begin = 0; begin < tokens; begin += step) {
      const std::int64_t length = std::min(step, tokens - begin);
      read_block(states.narrow(0, begin, length),
                 targets.narrow(0, begin, length), begin, &readout);
    }
    return readout;
  }

 private:
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
    readout.get<"top_id">() = at::empty({tokens, states, top_k_}, at::kInt);
    readout.get<"top_logprob">() =
        at::empty({tokens, states, top_k_}, at::kFloat);
    readout.get<"script_share">() =
        at::empty({tokens, states, head_.scripts}, at::kFloat);
    return readout;
  }

  // Reads tokens that are the ones from `first` on in the readout.
  void read_block(const at::Tensor& states, const at::Tensor& targets,
                  std::int64_t first, Readout* readout) const {
    // On a CPU both sides of the product are made float32: it changes none.
    const at::Tensor rows = head_rows(*projection_, states).to(at::kFloat);
    const at::Tensor target_ids = targets.contiguous();
    const at::Tensor target_logit = target_logits(rows, head_.weight, targets);
    const std::int64_t count = rows.size(0);
    const auto options = rows.options();
    const at::Tensor state =
        at::empty({count, static_cast<std::int64_t>(sizeof(RowState))},
                  options.dtype(at::kByte));
    const at::Tensor script =
        at::empty({count, head_.scripts}, options.dtype(at::kDouble));
    const at::Tensor top_value = at::empty({count, top_k_}, options);
    const at::Tensor top_id =
        at::empty({count, top_k_}, options.dtype(at::kLong));

    ChunkReduce args;
    args.rows = count;
    args.states = states.size(1);
    args.target = target_ids.const_data_ptr<std::int64_t>();
    args.target_logit = target_logit.const_data_ptr<float>();
    args.script_class = script_class_.const_data_ptr<std::uint8_t>();
    args.scripts = head_.scripts;
    args.state = static_cast<RowState*>(state.mutable_data_ptr());
    args.script = script.mutable_data_ptr<double>();
    args.top_value = top_value.mutable_data_ptr<float>();
    args.top_id = top_id.mutable_data_ptr<std::int64_t>();
    args.top_k = static_cast<int>(top_k_);

    const std::int64_t vocab = head_.weight.size(0);
    const std::int64_t chunk =
        std::clamp(kChunkElements / count, kMinChunk, kMaxChunk) / 4 * 4;
    // One buffer for all chunks: memory fresh from the system costs a fault a
    // page.
    const at::Tensor buffer =
        at::empty({count * std::min(chunk, vocab)}, options);
    for (std::int64_t begin = 0; begin < vocab; begin += chunk) {
      const std::int64_t length = std::min(chunk, vocab - begin);
      at::Tensor logits =
          buffer.narrow(0, 0, count * length).view({count, length});
      at::mm_out(logits, rows,
                 head_.weight.narrow(0, begin, length).to(at::kFloat).t());
      args.logits = logits.const_data_ptr<float>();
      args.begin = begin;
      args.length = length;
      reduce_(args);
    }
    write(static_cast<const RowState*>(state.const_data_ptr()), script,
          target_logit, top_value, top_id, first, readout);
  }

  // From sums to what they mean; all on the CPU, in float64.
  void write(const RowState* rows, const at::Tensor& script,
             const at::Tensor& target_logit, const at::Tensor& top_value,
             const at::Tensor& top_id, std::int64_t first,
             Readout* readout) const {
    const std::int64_t states = readout->get<"entropy">().size(1);
    const auto cross = [&](std::int64_t row) {  // E_N[log p]
      const RowSums<double>& sums = rows[row].sums;
      return sums.final_dot / sums.final_sum - std::log(sums.sum);
    };
    const auto write_row = [&](std::int64_t row) {
      const RowSums<double>& sums = rows[row].sums;
      const std::int64_t last = (row / states + 1) * states - 1;
      const std::int64_t out = first * states + row;
      const double log_sum = std::log(sums.sum);
      const double lse = sums.max + log_sum;
      const double mean = sums.weighted / sums.sum;
      // The variance of ln p is that of z.
      readout->get<"varentropy">().mutable_data_ptr<float>()[out] =
          at_least_zero(sums.squared / sums.sum - mean * mean);
      // H = log sum - E[z - max]; both terms are >= 0.
      readout->get<"entropy">().mutable_data_ptr<float>()[out] =
          at_least_zero(log_sum - mean);
      readout->get<"kl_final">().mutable_data_ptr<float>()[out] =
          at_least_zero(cross(last) - cross(row));
      readout->logsumexp.mutable_data_ptr<float>()[out] = lse;
      readout->get<"target_logprob">().mutable_data_ptr<float>()[out] =
          at_most_zero(target_logit.const_data_ptr<float>()[row] - lse);
      readout->get<"target_rank">().mutable_data_ptr<std::int32_t>()[out] =
          rows[row].larger + 1;
      for (std::int64_t k = 0; k < top_k_; ++k) {
        readout->get<"top_id">()
            .mutable_data_ptr<std::int32_t>()[out * top_k_ + k] =
            top_id.const_data_ptr<std::int64_t>()[row * top_k_ + k];
        readout->get<"top_logprob">()
            .mutable_data_ptr<float>()[out * top_k_ + k] = at_most_zero(
            top_value.const_data_ptr<float>()[row * top_k_ + k] - lse);
      }
      for (std::int64_t c = 0; c < head_.scripts; ++c) {
        const std::int64_t from = row * head_.scripts + c;
        const std::int64_t to = out * head_.scripts + c;
        readout->get<"script_share">().mutable_data_ptr<float>()[to] =
            script.const_data_ptr<double>()[from] / sums.sum;
      }
    };
    at::parallel_for(0, target_logit.size(0), kGrain,
                     [&](std::int64_t begin, std::int64_t end) {
                       for (std::int64_t row = begin; row < end; ++row) {
                         write_row(row);
                       }
                     });
  }

  // constant after construction
  const Head head_;
  const std::unique_ptr<const Projection> projection_;
  const std::int64_t top_k_;
  const at::Tensor script_class_;  // [vocab] uint8
  const ChunkReducer reduce_;
};

}  // namespace

std::unique_ptr<Backend> chunked_backend(Head head, int top_k,
                                         ChunkReducer reduce) {
  return std::make_unique<ChunkedBackend>(std::move(head), top_k,
                                          std::move(reduce));
}

std::unique_ptr<Backend> cpu_backend(Head head, int top_k) {
  return chunked_backend(std::move(head), top_k, reduce_chunk_on_cpu);
}

}  // namespace lens::readout
