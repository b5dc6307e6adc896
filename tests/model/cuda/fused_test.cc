#include "model/cuda/fused.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <vector>

#include "model/qwen/rope.h"
#include "model/qwen/steps.h"
#include "tests/gpu.h"

namespace lens::model::cuda {
namespace {

using qwen::Rotation;

// What one kernel rounds to the other side may differ by one unit.
double allowed(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? 8e-3 : 2e-6;
}

void expect_near(const at::Tensor& got, const at::Tensor& want) {
  ASSERT_EQ(got.sizes(), want.sizes());
  ASSERT_EQ(got.scalar_type(), want.scalar_type());
  const at::Tensor wide = want.to(at::kCPU, at::kDouble);
  const at::Tensor off = (got.to(at::kCPU, at::kDouble) - wide).abs() -
                         allowed(got.scalar_type()) * wide.abs();
  EXPECT_LE(off.max().item<double>(), 1e-6);
}

class Fused : public GpuTest {
 protected:
  // On the GPU, and the same values on the CPU.
  struct Both {
    at::Tensor there, here;
  };
  static Both random(at::IntArrayRef sizes, at::ScalarType dtype) {
    const at::Tensor here = (3 * at::randn(sizes)).to(dtype);
    return {here.to(at::kCUDA), here};
  }
};

constexpr at::ScalarType kDtypes[] = {at::kFloat, at::kBFloat16};

TEST_F(Fused, NormsLikeThePlainOperations) {
  for (const at::ScalarType dtype : kDtypes) {
    for (const std::int64_t width : {8, 64, 1536, 3584}) {
      const Both x = random({7, width}, dtype);
      const Both weight = random({width}, dtype);
      ASSERT_TRUE(fuses(x.there));
      expect_near(rms_norm(x.there, weight.there, 1e-6),
                  qwen::rms_norm(x.here, weight.here, 1e-6));
    }
  }
}

TEST_F(Fused, RotatesLikeThePlainOperationsWhereverHeadsStand) {
  for (const at::ScalarType dtype : kDtypes) {
    // q, k and v side by side, as the tower has them.
    const Both qkv = random({9, 3, 4, 20}, dtype);
    const Rotation here{at::randn({9, 20}), at::randn({9, 20})};
    const Rotation there{here.cos.to(at::kCUDA), here.sin.to(at::kCUDA)};
    for (int which = 0; which < 2; ++which) {
      expect_near(rotate(qkv.there.select(1, which), there.cos, there.sin),
                  qwen::rotate(qkv.here.select(1, which), here));
    }
    const at::Tensor table = at::zeros({30, 4, 20}, qkv.there.options());
    const at::Tensor rows =
        (at::arange(9, at::kInt) * 3 + 1).to(at::kCUDA, at::kInt);
    rotate_into(qkv.there.select(1, 0), there.cos, there.sin, rows, table);
    expect_near(at::index_select(table, 0, rows),
                qwen::rotate(qkv.here.select(1, 0), here));
    scatter_into(qkv.there.select(1, 2), rows, table);
    EXPECT_TRUE(
        at::equal(at::index_select(table, 0, rows), qkv.there.select(1, 2)));
    EXPECT_EQ(table.select(0, 0).abs().max().item<float>(), 0)
        << "nothing else is written";
  }
}

TEST_F(Fused, GatesLikeThePlainOperations) {
  for (const at::ScalarType dtype : kDtypes) {
    const Both a = random({5, 1000}, dtype);
    const Both b = random({5, 1000}, dtype);
    expect_near(swiglu(a.there, b.there), at::silu(a.here) * b.here);
    expect_near(quick_gelu(a.there), a.here * at::sigmoid(1.702 * a.here));
  }
}

// Keys of three sequences in slots of 40, the first two with a past.
void expect_attention(std::int64_t heads, std::int64_t kv_heads,
                      std::int64_t head_dim, std::vector<std::int64_t> lengths,
                      std::vector<std::int64_t> totals, bool causal) {
  constexpr std::int64_t kCapacity = 40;
  const auto options = at::TensorOptions().dtype(at::kBFloat16);
  const auto slots = static_cast<std::int64_t>(totals.size());
  const at::Tensor keys =
      at::randn({slots * kCapacity, kv_heads, head_dim}).to(options);
  const at::Tensor values =
      at::randn({slots * kCapacity, kv_heads, head_dim}).to(options);
  std::vector<std::int32_t> q_begins = {0}, k_begins, k_lengths;
  PackedAttention packed;
  packed.causal = causal;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    q_begins.push_back(q_begins.back() + static_cast<std::int32_t>(lengths[i]));
    // Slots in another order than sequences.
    k_begins.push_back(
        static_cast<std::int32_t>((totals.size() - 1 - i) * kCapacity));
    k_lengths.push_back(static_cast<std::int32_t>(totals[i]));
    packed.longest_q = std::max(packed.longest_q, lengths[i]);
    packed.longest_k = std::max(packed.longest_k, totals[i]);
  }
  const at::Tensor q =
      at::randn({q_begins.back(), heads, head_dim}).to(options);
  std::vector<at::Tensor> want;
  for (std::size_t i = 0; i < totals.size(); ++i) {
    const auto used = [&](const at::Tensor& cache) {
      return cache.narrow(0, k_begins[i], totals[i])
          .to(at::kFloat)
          .repeat_interleave(heads / kv_heads, 1)
          .transpose(0, 1)
          .unsqueeze(0);
    };
    const at::Tensor query = q.narrow(0, q_begins[i], lengths[i])
                                 .to(at::kFloat)
                                 .transpose(0, 1)
                                 .unsqueeze(0);
    const at::Tensor later =
        at::arange(totals[i]).unsqueeze(0) >
        at::arange(totals[i] - lengths[i], totals[i]).unsqueeze(1);
    const at::Tensor mask = at::zeros({lengths[i], totals[i]})
                                .masked_fill_(later, causal ? -1e30 : 0.0);
    want.push_back(
        at::scaled_dot_product_attention(query, used(keys), used(values), mask)
            .squeeze(0)
            .transpose(0, 1));
  }
  k_begins.push_back(0);
  packed.q_begins = at::tensor(q_begins, at::kInt).to(at::kCUDA);
  packed.k_begins = at::tensor(k_begins, at::kInt).to(at::kCUDA);
  packed.k_lengths = at::tensor(k_lengths, at::kInt).to(at::kCUDA);
  ASSERT_TRUE(PackedAttention::takes(q.options().device(at::kCUDA), head_dim));
  const at::Tensor got =
      packed.attend(q.to(at::kCUDA), keys.to(at::kCUDA), values.to(at::kCUDA))
          .to(at::kCPU, at::kFloat)
          .reshape({q_begins.back(), heads, head_dim});
  const at::Tensor exact = at::cat(want, 0);
  EXPECT_LE((got - exact).abs().max().item<float>(), 0.03f)
      << heads << " heads, " << head_dim;
}

TEST_F(Fused, AttentionReadsSlotsInPlace) {
  // Prefill with pasts, a decode step, the tower.
  expect_attention(12, 2, 128, {5, 9, 1}, {30, 9, 17}, true);
  expect_attention(12, 2, 128, {1, 1, 1}, {30, 9, 17}, true);
  expect_attention(28, 4, 128, {1, 1}, {1, 40}, true);
  expect_attention(16, 16, 80, {40, 12, 4}, {40, 12, 4}, false);
  expect_attention(4, 2, 16, {3, 2}, {7, 2}, true);
}

}  // namespace
}  // namespace lens::model::cuda
