#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <iostream>
#include <sstream>
#include <vector>

#include "lens/agreement.h"
#include "lens/cuda_backend.h"
#include "tests/collective/thread_collective.h"
#include "tests/gpu.h"
#include "tests/lens/random_head.h"

namespace lens::readout {
namespace {

class Cuda : public GpuTest {};

Head on_gpu(Head head) {
  head.norm_weight = head.norm_weight.to(at::kCUDA);
  head.weight = head.weight.to(at::kCUDA);
  head.script_class = head.script_class.to(at::kCUDA);
  return head;
}

// Against the reference on the same device: the same products.
void expect_reference(const Head& head, std::int64_t tokens,
                      std::int64_t states, float scale) {
  const Head there = on_gpu(head);
  const at::Tensor rows =
      (scale * at::randn({tokens, states, head.weight.size(1)}))
          .to(there.weight.options());
  const at::Tensor targets =
      at::randint(0, head.weight.size(0), {tokens}, at::kLong).to(at::kCUDA);
  const Readout readout = cuda_backend(there, 5)->read(rows, targets);
  EXPECT_EQ(
      disagreement(readout, reference_backend(there, 5)->read(rows, targets)),
      "");
  EXPECT_EQ(
      readout.get<"kl_final">().select(1, states - 1).abs().max().item<float>(),
      0.0f);
}

TEST_F(Cuda, EqualsTheReference) {
  expect_reference(random_head(20003, 64, at::kFloat), 4, 5, 1);
  expect_reference(random_head(20003, 64, at::kBFloat16), 4, 5, 1);
  expect_reference(random_head(3001, 48, at::kFloat), 4, 5, 20);
  expect_reference(random_head(3001, 48, at::kFloat), 3, 1, 1);
  expect_reference(random_head(3, 8, at::kFloat), 2, 3, 1);
}

TEST_F(Cuda, ManyRowsOverAWholeVocabulary) {
  expect_reference(random_head(151936, 64, at::kBFloat16), 128, 29, 1);
}

// Each row of the head stands there three times.
TEST_F(Cuda, TiedLogitsKeepTheLowerIdFirst) {
  Head head = random_head(9000, 32, at::kBFloat16);
  head.weight = head.weight.narrow(0, 0, 3000).repeat({3, 1});
  expect_reference(head, 6, 4, 1);
  const Head there = on_gpu(head);
  const at::Tensor rows = at::randn({6, 4, 32}).to(there.weight.options());
  const at::Tensor targets = at::zeros({6}, at::kLong).to(at::kCUDA);
  const Readout readout = cuda_backend(there, 6)->read(rows, targets);
  const at::Tensor ids = readout.get<"top_id">().flatten(0, 1).t();
  EXPECT_TRUE(at::equal(ids[1], ids[0] + 3000));
  EXPECT_TRUE(at::equal(ids[2], ids[0] + 6000));
  EXPECT_TRUE(at::equal(ids[5], ids[3] + 6000));
}

TEST_F(Cuda, ListsLongerThanAWarpAreFoundToo) {
  for (const int top_k : {1, 32, 33}) {
    const Head head = on_gpu(random_head(5000, 32, at::kFloat));
    const at::Tensor rows = at::randn({4, 3, 32}).to(at::kCUDA);
    const at::Tensor targets = at::zeros({4}, at::kLong).to(at::kCUDA);
    EXPECT_EQ(disagreement(cuda_backend(head, top_k)->read(rows, targets),
                           reference_backend(head, top_k)->read(rows, targets)),
              "")
        << top_k;
  }
}

TEST_F(Cuda, EqualInputGivesEqualBits) {
  const Head head = on_gpu(random_head(30001, 32, at::kFloat));
  const at::Tensor rows = at::randn({40, 5, 32}).to(at::kCUDA);
  const at::Tensor targets =
      at::randint(0, 30001, {40}, at::kLong).to(at::kCUDA);
  const auto backend = cuda_backend(head, 5);
  const Readout one = backend->read(rows, targets);
  const Readout two = backend->read(rows, targets);
  EXPECT_TRUE(one.get<"entropy">().equal(two.get<"entropy">()));
  EXPECT_TRUE(one.get<"kl_final">().equal(two.get<"kl_final">()));
  EXPECT_TRUE(one.get<"script_share">().equal(two.get<"script_share">()));
}

// Ranks that are threads, all on one GPU; lists of the kernel and longer ones,
// and longer than a rank's range.
TEST_F(Cuda, RanksFindWhatOneFinds) {
  const Head head = on_gpu(random_head(3001, 32, at::kFloat));
  const at::Tensor rows = at::randn({6, 5, 32}).to(at::kCUDA);
  const at::Tensor targets =
      at::arange(6, at::kLong).mul(600).to(at::kCUDA);  // of all ranks
  const std::int64_t firsts[] = {0, 20, 1700, 3001};
  for (const int top_k : {5, 32, 40}) {
    const Readout one = cuda_backend(head, top_k)->read(rows, targets);
    std::vector<Readout> found(3);
    collective::as_ranks(
        3, [&](const std::shared_ptr<collective::Collective>& ranks) {
          const int rank = ranks->rank();
          Head part =
              part_of(head, firsts[rank], firsts[rank + 1] - firsts[rank]);
          part.ranks = ranks;
          found[rank] = cuda_backend(part, top_k)->read(rows, targets);
        });
    for (const Readout& each : found) {
      EXPECT_EQ(disagreement(each, one), "") << top_k;
      EXPECT_TRUE(each.get<"entropy">().equal(found[0].get<"entropy">()));
      EXPECT_TRUE(
          each.get<"script_share">().equal(found[0].get<"script_share">()));
    }
  }
}

TEST_F(Cuda, RanksCheckTheirKernelsSilently) {
  const Head head = on_gpu(random_head(3000, 64, at::kBFloat16));
  std::ostringstream said;
  std::streambuf* before = std::clog.rdbuf(said.rdbuf());
  collective::as_ranks(
      2, [&](const std::shared_ptr<collective::Collective>& ranks) {
        Head part = part_of(head, ranks->rank() * 1500, 1500);
        part.ranks = ranks;
        EXPECT_EQ(fastest_backend(part, 5)->name(), "CUDA kernels");
      });
  std::clog.rdbuf(before);
  EXPECT_EQ(said.str(), "");
}

TEST_F(Cuda, TheSelfCheckPassesSilently) {
  std::ostringstream said;
  std::streambuf* before = std::clog.rdbuf(said.rdbuf());
  fastest_backend(on_gpu(random_head(20011, 64, at::kBFloat16)), 5);
  std::clog.rdbuf(before);
  EXPECT_EQ(said.str(), "");
}

}  // namespace
}  // namespace lens::readout
