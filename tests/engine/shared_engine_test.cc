#include "tests/engine/shared_engine.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "tests/model/expect_close.h"

// One model that several ranks hold together, as threads of this process.
namespace lens::engine {
namespace {

// By the number of ranks and the model.
class SharedEngine : public ::testing::TestWithParam<std::tuple<int, int>> {
 protected:
  static Outcome alone(at::ScalarType dtype) {
    return ask(std::get<1>(GetParam()), dtype);
  }
  static std::vector<Outcome> shared(
      at::ScalarType dtype, model::Reading reading = model::Reading::kEach) {
    return ask_ranks(std::get<0>(GetParam()), std::get<1>(GetParam()), dtype,
                     reading);
  }
};

TEST_P(SharedEngine, AnswersAndStatesAreThoseOfOneProcess) {
  const Outcome one = alone(at::kFloat);
  const Outcome all = std::move(shared(at::kFloat).front());
  for (std::size_t i = 0; i < one.generations.size(); ++i) {
    EXPECT_EQ(all.generations[i].ids, one.generations[i].ids);
    EXPECT_EQ(all.generations[i].shared_length,
              one.generations[i].shared_length);
  }
  ASSERT_EQ(all.sink.size(), one.sink.size());
  for (const auto& [key, row] : one.sink.rows()) {
    model::expect_close(all.sink.states(key.first, key.second),
                        one.sink.states(key.first, key.second));
    const CapturedRow& twin = all.sink.row(key.first, key.second);
    ASSERT_EQ(row.own.has_value(), twin.own.has_value());
    if (!row.own) continue;
    EXPECT_NEAR(row.own->logsumexp, twin.own->logsumexp, 1e-4);
    EXPECT_NEAR(row.own->target, twin.own->target, 1e-4);
  }
}

TEST_P(SharedEngine, AllRanksGiveTheSameBitsEachTime) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const std::vector<Outcome> outcomes = shared(dtype);
    for (const Outcome& outcome : outcomes) {
      expect_equal_bits(outcome, outcomes.front());
    }
    expect_equal_bits(shared(dtype).back(), outcomes.front());
  }
}

// The stored dtype and another one; views of the files, and copies of them.
TEST_P(SharedEngine, WeightsThatOneRankHandsOnAreTheSame) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    expect_equal_bits(shared(dtype, model::Reading::kOnce).back(),
                      shared(dtype).back());
  }
}

// Against the states of the float32 model.
double mean_error(const Outcome& rounded, const Outcome& exact) {
  double sum = 0;
  double values = 0;
  // The answers may differ; the prompts' rows are of the same tokens.
  for (const auto& [key, row] : exact.sink.rows()) {
    if (row.own) continue;
    const at::Tensor error =
        (rounded.sink.states(key.first, key.second).to(at::kDouble) -
         exact.sink.states(key.first, key.second).to(at::kDouble));
    sum += error.square().sum().item<double>();
    values += static_cast<double>(error.numel());
  }
  return std::sqrt(sum / values);
}

TEST_P(SharedEngine, Bfloat16ErrorIsNoLargerThanOfOneProcess) {
  const Outcome exact = alone(at::kFloat);
  const double one = mean_error(alone(at::kBFloat16), exact);
  const double all = mean_error(shared(at::kBFloat16).front(), exact);
  EXPECT_GT(one, 0);
  EXPECT_LE(all, 1.1 * one);
}

// The heads of the vision tower are two: of four ranks two have none.
INSTANTIATE_TEST_SUITE_P(Ranks, SharedEngine,
                         ::testing::Combine(::testing::Values(2, 4),
                                            ::testing::Values(kPlain,
                                                              kWindowed)));

TEST(MeasuredReading, IsTheSameOnAllRanks) {
  std::array<model::Reading, 3> chosen{};
  collective::as_ranks(
      3, [&](const std::shared_ptr<collective::Collective>& own) {
        chosen[static_cast<std::size_t>(own->rank())] = model::measured_reading(
            model::tiny_checkpoint() + "/model.safetensors", at::kCPU, *own);
      });
  EXPECT_EQ(chosen[1], chosen[0]);
  EXPECT_EQ(chosen[2], chosen[0]);
}

// Rank 0 of two. The other one takes its time to read, the network to hand on.
class SlowRank final : public collective::Collective {
 public:
  SlowRank(double reading_s, double handing_s)
      : reading_s_(reading_s), handing_s_(handing_s) {}
  int rank() const override { return 0; }
  int size() const override { return 2; }
  void broadcast(const at::Tensor&) override {
    std::this_thread::sleep_for(std::chrono::duration<double>(handing_s_));
  }
  void wait_for_all() override {}
  at::Tensor rounded_sum(const at::Tensor& part, at::ScalarType) override {
    return part;
  }
  at::Tensor gather(const at::Tensor& part) override {
    at::Tensor other = at::zeros_like(part);
    if (part.scalar_type() == at::kDouble && part.item<double>() > 0) {
      // How long it took: pieces of their own, of rank 0 alone, the same for
      // all, handed on.
      other.fill_(timed_ == 0 || timed_ == 2 ? reading_s_ : 0);
      ++timed_;
    }
    return at::stack({part, other});
  }

 private:
  double reading_s_;
  double handing_s_;
  int timed_ = 0;
};

TEST(MeasuredReading, SlowNetworkLeavesItToEachAndSlowDisksToOne) {
  const std::string file = model::tiny_checkpoint() + "/model.safetensors";
  SlowRank network(0, 0.2);
  EXPECT_EQ(model::measured_reading(file, at::kCPU, network),
            model::Reading::kEach);
  SlowRank disk(30, 0);
  EXPECT_EQ(model::measured_reading(file, at::kCPU, disk),
            model::Reading::kOnce);
}

TEST(SharedEngineRefusal, NamesTheNumberOfRanks) {
  collective::as_ranks(
      3, [](const std::shared_ptr<collective::Collective>& own) {
        try {
          model::open_model(model::tiny_checkpoint(), at::kFloat, at::kCPU,
                            {own, {}});
          ADD_FAILURE() << "opened";
        } catch (const InputError& error) {
          EXPECT_NE(std::string(error.what()).find("over 3 ranks"),
                    std::string::npos);
        }
      });
}

}  // namespace
}  // namespace lens::engine
