#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lens/agreement.h"
#include "lens/cpu/backend.h"
#include "lens/cpu/isa.h"
#include "lens/id_range.h"
#include "tests/collective/thread_collective.h"
#include "tests/lens/random_head.h"

namespace lens::readout {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A backend that ranks are held to: the reference, or a kernel of this machine.
struct Reader {
  std::string name;
  std::function<std::unique_ptr<Backend>(Head, int)> make;
  const cpu::Kernel* kernel = nullptr;

  bool takes(const Head& head) const {
    if (!kernel) return true;
    return head.weight.size(1) % kernel->depth_step == 0 &&
           (!kernel->bfloat16 || head.weight.scalar_type() == at::kBFloat16);
  }
};

std::vector<Reader> readers() {
  std::vector<Reader> all = {{"reference", reference_backend}};
  for (const cpu::Kernel* kernel : cpu::kernels_here()) {
    all.push_back({kernel->name,
                   [kernel](Head head, int top_k) {
                     return cpu::backend(std::move(head), top_k, *kernel);
                   },
                   kernel});
  }
  return all;
}

// Ids of each rank: sizes differ by one at most.
std::vector<std::int64_t> even_counts(std::int64_t vocab, int ranks) {
  std::vector<std::int64_t> counts(ranks, vocab / ranks);
  for (int rank = 0; rank < vocab % ranks; ++rank) ++counts[rank];
  return counts;
}

bool same_bytes(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes().equals(b.sizes()) && a.nbytes() == b.nbytes() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

void expect_same_bytes(const Readout& a, const Readout& b,
                       const std::string& who) {
  for (const table::Column& column : table::kColumns) {
    if (!column.of_states()) continue;
    EXPECT_TRUE(same_bytes(a.column(column), b.column(column)))
        << who << " " << column.name;
  }
  EXPECT_TRUE(same_bytes(a.logsumexp, b.logsumexp)) << who;
}

class Ranks : public ::testing::TestWithParam<Reader> {
 protected:
  // What ranks with so many ids each find together: each of them twice, the
  // same bytes every time.
  static Readout read(const Head& head, const std::vector<std::int64_t>& counts,
                      int top_k, const at::Tensor& states,
                      const at::Tensor& targets) {
    const auto size = static_cast<int>(counts.size());
    std::vector<Readout> found(2 * counts.size());
    collective::as_ranks(
        size, [&](const std::shared_ptr<collective::Collective>& ranks) {
          const int rank = ranks->rank();
          Head part =
              part_of(head,
                      std::accumulate(counts.begin(), counts.begin() + rank,
                                      std::int64_t{0}),
                      counts[rank]);
          part.ranks = ranks;
          const auto backend = GetParam().make(part, top_k);
          found[2 * rank] = backend->read(states, targets);
          found[2 * rank + 1] = backend->read(states, targets);
        });
    for (std::size_t i = 1; i < found.size(); ++i) {
      expect_same_bytes(found[i], found[0], "reading " + std::to_string(i));
    }
    return found[0];
  }

  static Readout read_alone(const Head& head, int top_k,
                            const at::Tensor& states,
                            const at::Tensor& targets) {
    return GetParam().make(head, top_k)->read(states, targets);
  }
};

at::Tensor random_states(const Head& head, std::int64_t tokens,
                         std::int64_t states, float scale) {
  return (scale * at::randn({tokens, states, head.weight.size(1)}))
      .to(head.weight.scalar_type());
}

// At both ends of each range.
at::Tensor targets_at_borders(const std::vector<std::int64_t>& counts) {
  std::vector<std::int64_t> targets;
  std::int64_t first = 0;
  for (const std::int64_t count : counts) {
    targets.push_back(first);
    first += count;
    targets.push_back(first - 1);
  }
  return at::tensor(targets, at::kLong);
}

TEST_P(Ranks, FindWhatOneFinds) {
  at::manual_seed(21);
  struct Case {
    std::int64_t vocab;
    float scale;
    at::ScalarType dtype;
  };
  for (const auto& [vocab, scale, dtype] : {Case{20003, 1, at::kFloat},
                                            {3001, 20, at::kFloat},
                                            {3001, 1, at::kBFloat16},
                                            {307, 20, at::kBFloat16}}) {
    const Head head = random_head(vocab, 32, dtype);
    if (!GetParam().takes(head)) continue;
    for (const int size : {2, 3, 4}) {
      const auto counts = even_counts(vocab, size);
      const at::Tensor targets = targets_at_borders(counts);
      const at::Tensor states = random_states(head, targets.size(0), 5, scale);
      const Readout one = read_alone(head, 5, states, targets);
      const Readout many = read(head, counts, 5, states, targets);
      EXPECT_EQ(disagreement(many, one), "")
          << vocab << " ids over " << size << " ranks";
      // A product does not depend on the ids beside it.
      if (GetParam().kernel) {
        EXPECT_TRUE(many.get<"target_rank">().equal(one.get<"target_rank">()));
      }
      EXPECT_EQ(many.get<"kl_final">().select(1, 4).abs().max().item<float>(),
                0.0F);
    }
  }
}

// Small whole numbers: products are exact, and many logits equal.
TEST_P(Ranks, CountEveryLargerLogitOnce) {
  at::manual_seed(22);
  Head head = random_head(2003, 16, at::kFloat);
  head.weight = at::randint(-2, 3, {2003, 16}).to(at::kFloat);
  for (const int size : {2, 3, 4}) {
    const auto counts = even_counts(2003, size);
    const at::Tensor targets = targets_at_borders(counts);
    const at::Tensor states =
        at::randint(-1, 2, {targets.size(0), 1, 16}).to(at::kFloat);
    const Readout many = read(head, counts, 3, states, targets);
    const at::Tensor logits = states.squeeze(1).matmul(head.weight.t());
    const at::Tensor own = logits.gather(1, targets.unsqueeze(-1));
    EXPECT_TRUE(many.get<"target_rank">().flatten().equal(
        (logits > own).sum(-1).to(at::kInt) + 1))
        << size;
  }
}

TEST_P(Ranks, MayHaveRangesOfAnySize) {
  at::manual_seed(23);
  const Head head = random_head(3001, 32, at::kFloat);
  if (!GetParam().takes(head)) return;
  for (const std::vector<std::int64_t>& counts :
       {std::vector<std::int64_t>{1, 3000}, {2999, 1, 1}, {3, 1500, 1490, 8}}) {
    const at::Tensor targets = targets_at_borders(counts);
    const at::Tensor states = random_states(head, targets.size(0), 3, 1);
    EXPECT_EQ(disagreement(read(head, counts, 7, states, targets),
                           read_alone(head, 7, states, targets)),
              "");
  }
}

// Each row of the head stands there three times, most of them in the ranges of
// different ranks.
TEST_P(Ranks, KeepTheLowerIdFirstWhereLogitsTie) {
  at::manual_seed(24);
  Head head = random_head(3003, 32, at::kBFloat16);
  head.weight = head.weight.narrow(0, 0, 1001).repeat({3, 1});
  const at::Tensor states = random_states(head, 6, 4, 1);
  const at::Tensor targets = at::tensor({0, 1000, 1001, 2001, 2002, 3002});
  const at::Tensor wanted =
      read_alone(head, 6, states, targets).get<"top_id">();
  for (const int size : {2, 3, 4}) {
    const Readout many =
        read(head, even_counts(3003, size), 6, states, targets);
    const at::Tensor& ids = many.get<"top_id">();
    EXPECT_TRUE(ids.equal(wanted)) << size;
    for (const int place : {0, 3}) {
      EXPECT_TRUE(
          ids.select(-1, place + 1).equal(ids.select(-1, place) + 1001));
      EXPECT_TRUE(
          ids.select(-1, place + 2).equal(ids.select(-1, place) + 2002));
    }
  }
}

TEST_P(Ranks, FindMoreTopTokensThanEachHas) {
  at::manual_seed(25);
  const Head head = random_head(11, 32, at::kFloat);
  const at::Tensor states = random_states(head, 4, 3, 1);
  const at::Tensor targets = at::tensor({0, 3, 9, 10});
  for (const int top_k : {5, 11, 20}) {
    const Readout one = read_alone(head, top_k, states, targets);
    for (const int size : {2, 3, 4}) {
      const Readout many =
          read(head, even_counts(11, size), top_k, states, targets);
      ASSERT_EQ(many.get<"top_id">().size(-1), std::min(top_k, 11));
      EXPECT_EQ(disagreement(many, one), "") << top_k << " of " << size;
    }
  }
}

// Equal where they are numbers, and none where the other is none.
void expect_alike(const at::Tensor& a, const at::Tensor& b,
                  const std::string& who) {
  EXPECT_TRUE(at::allclose(a.to(at::kDouble), b.to(at::kDouble), 2e-5, 1e-4,
                           /*equal_nan=*/true))
      << who << "\n"
      << a << "\n"
      << b;
}

TEST_P(Ranks, LeaveWhatIsNoNumberInItsRow) {
  at::manual_seed(26);
  const Head head = random_head(1001, 32, at::kFloat);
  const at::Tensor targets = at::tensor({5, 400, 700, 1000});
  const at::Tensor sound = random_states(head, 4, 3, 1);
  at::Tensor states = sound.clone();
  states[1][0][7] = std::nan("");
  states[2] = kInfinity;  // every logit is an infinity or NaN
  const Readout one = read_alone(head, 3, states, targets);
  for (const int size : {2, 3, 4}) {
    const Readout many =
        read(head, even_counts(1001, size), 3, states, targets);
    for (const table::Column& column : table::kColumns) {
      if (!column.of_states()) continue;
      const std::string who = std::string(column.name);
      expect_alike(many.column(column)[0], one.column(column)[0], who);
      expect_alike(many.column(column)[3], one.column(column)[3], who);
      expect_alike(many.column(column)[1][1], one.column(column)[1][1], who);
    }
    for (const at::Tensor& row :
         {many.get<"entropy">()[1][0], many.get<"entropy">()[2][1],
          many.get<"target_logprob">()[1][0], many.get<"kl_final">()[1][0]}) {
      EXPECT_TRUE(std::isnan(row.item<float>()));
    }
    EXPECT_GE(many.get<"top_id">().min().item<int>(), 0);
  }
}

// Ids that cannot come have a logit of minus infinity.
TEST_P(Ranks, GiveForbiddenIdsNoMass) {
  Head head = random_head(3001, 1, at::kFloat);
  if (!GetParam().takes(head)) return;
  at::manual_seed(27);
  head.weight = at::randn({3001, 1});
  head.weight.slice(0, 1, 3001, 2).fill_(-kInfinity);
  const at::Tensor states = at::ones({4, 1, 1});
  const at::Tensor targets = at::tensor({0, 750, 1502, 1501});
  const Readout one = read_alone(head, 4, states, targets);
  for (const int size : {2, 3, 4}) {
    const Readout many =
        read(head, even_counts(3001, size), 4, states, targets);
    EXPECT_TRUE(many.get<"target_rank">().equal(one.get<"target_rank">()));
    EXPECT_TRUE(many.get<"top_id">().equal(one.get<"top_id">()));
    expect_alike(many.logsumexp, one.logsumexp, "logsumexp");
    expect_alike(many.get<"top_logprob">(), one.get<"top_logprob">(),
                 "top_logprob");
    EXPECT_EQ(many.get<"target_logprob">()[3][0].item<float>(), -kInfinity);
  }
}

TEST_P(Ranks, OfWhichThereIsOneChangeNoBit) {
  at::manual_seed(28);
  Head head = random_head(3001, 32, at::kFloat);
  const at::Tensor states = random_states(head, 5, 4, 1);
  const at::Tensor targets = at::randint(0, 3001, {5}, at::kLong);
  const Readout one = read_alone(head, 4, states, targets);
  head.ranks = collective::one_process();
  expect_same_bytes(read_alone(head, 4, states, targets), one, "one rank");
}

TEST_P(Ranks, RefuseATargetThatNobodyHas) {
  const Head head = random_head(101, 32, at::kFloat);
  const at::Tensor states = random_states(head, 1, 2, 1);
  for (const std::int64_t target : {-1, 101}) {
    collective::as_ranks(
        2, [&](const std::shared_ptr<collective::Collective>& ranks) {
          Head part = part_of(head, ranks->rank() * 51, 51 - ranks->rank());
          part.ranks = ranks;
          EXPECT_THROW(GetParam().make(part, 1)->read(
                           states, at::full({1}, target, at::kLong)),
                       c10::IndexError);
        });
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Ranks, ::testing::ValuesIn(readers()),
                         [](const auto& each) {
                           std::string name = each.param.name;
                           std::erase(name, '-');
                           return name;
                         });

TEST(RanksOfACpu, MayHaveOtherNumbersOfThreads) {
  at::manual_seed(29);
  const Head head = random_head(301, 4, at::kFloat);
  // More rows than are exchanged at once.
  const at::Tensor states = random_states(head, 700, 29, 1);
  const at::Tensor targets = at::randint(0, 301, {700}, at::kLong);
  const Readout one = cpu::best_backend(head, 3)->read(states, targets);
  const int threads = at::get_num_threads();
  std::vector<Readout> found(2);
  collective::as_ranks(
      2, [&](const std::shared_ptr<collective::Collective>& ranks) {
        // Each thread has a number of its own once it has asked for it.
        at::get_num_threads();
        at::set_num_threads(ranks->rank() == 0 ? 1 : 40);
        Head part = part_of(head, ranks->rank() * 151, 151 - ranks->rank());
        part.ranks = ranks;
        found[ranks->rank()] =
            cpu::best_backend(part, 3)->read(states, targets);
      });
  at::set_num_threads(threads);
  expect_same_bytes(found[1], found[0], "40 threads");
  EXPECT_EQ(disagreement(found[0], one), "");
}

TEST(IdRange, PlacesAreThoseOfTheOwnIds) {
  const Head head = random_head(10, 4, at::kFloat);
  const at::Tensor targets = at::tensor({0, 3, 4, 6, 7, 9});
  const std::vector<at::Tensor> wanted = {at::tensor({0, 3, -1, -1, -1, -1}),
                                          at::tensor({-1, -1, 0, 2, -1, -1}),
                                          at::tensor({-1, -1, -1, -1, 0, 2})};
  collective::as_ranks(
      3, [&](const std::shared_ptr<collective::Collective>& ranks) {
        const int rank = ranks->rank();
        Head part =
            part_of(head, rank == 0 ? 0 : 1 + 3 * rank, rank == 0 ? 4 : 3);
        part.ranks = ranks;
        const IdRange ids(part);
        EXPECT_EQ(ids.vocab(), 10);
        EXPECT_EQ(ids.count_of(0), 4);
        EXPECT_TRUE(ids.places(targets).equal(wanted[rank]));
      });
}

// All of them throw, so that none waits for the others.
TEST(IdRange, RangesThatDoNotFollowOneAnotherAreRefused) {
  const Head head = random_head(10, 4, at::kFloat);
  using Range = std::pair<std::int64_t, std::int64_t>;
  for (const std::vector<Range>& ranges : {std::vector<Range>{{0, 5}, {4, 6}},
                                           {{0, 4}, {5, 5}},
                                           {{5, 5}, {0, 5}},
                                           {{0, 10}, {10, 0}}}) {
    collective::as_ranks(
        2, [&](const std::shared_ptr<collective::Collective>& ranks) {
          const auto [first, count] = ranges[ranks->rank()];
          Head part = part_of(head, first, count);
          part.ranks = ranks;
          EXPECT_THROW(IdRange{part}, std::invalid_argument);
        });
  }
}

}  // namespace
}  // namespace lens::readout
