// One rank of a few, started by mpirun: each runs all tests, in step with the
// others.

#include "collective/mpi_collective.h"

#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "tests/collective/promises.h"

namespace lens::collective {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Small enough that every promise is kept in slices and in pieces, neither of
// which is a divisor of what travels.
const Carriage kPieces{
    .deadline = milliseconds(20'000), .whole_bytes = 36, .message_bytes = 1000};

class Mpi : public ::testing::TestWithParam<Promise> {};
class MpiInPieces : public ::testing::TestWithParam<Promise> {};

TEST_P(Mpi, Keeps) {
  GetParam().hold(*mpi_collective(MPI_COMM_WORLD), at::kCPU);
}

TEST_P(MpiInPieces, Keeps) {
  GetParam().hold(*mpi_collective(MPI_COMM_WORLD, kPieces), at::kCPU);
}

INSTANTIATE_TEST_SUITE_P(Promises, Mpi,
                         ::testing::ValuesIn(promises(Carriage().whole_bytes)),
                         name_of_promise);
INSTANTIATE_TEST_SUITE_P(Promises, MpiInPieces,
                         ::testing::ValuesIn(promises(kPieces.whole_bytes)),
                         name_of_promise);

TEST(MpiAwait, OutlastsTheDeadline) {
  const auto ranks =
      mpi_collective(MPI_COMM_WORLD, {.deadline = milliseconds(100)});
  MPI_Barrier(MPI_COMM_WORLD);
  if (ranks->rank() == 0) std::this_thread::sleep_for(milliseconds(600));
  const auto start = steady_clock::now();
  const at::Tensor work = at::full({1}, ranks->rank() + 5, at::kLong);
  ranks->await(work);
  EXPECT_EQ(work.item<std::int64_t>(), 5);
  // All stand together again, and the others did wait.
  MPI_Barrier(MPI_COMM_WORLD);
  if (ranks->rank() != 0) {
    EXPECT_GT(steady_clock::now() - start, milliseconds(150));
  }
}

TEST(MpiWaitForAll, OutlastsTheDeadline) {
  const auto ranks =
      mpi_collective(MPI_COMM_WORLD, {.deadline = milliseconds(100)});
  MPI_Barrier(MPI_COMM_WORLD);
  const auto start = steady_clock::now();
  const bool late = ranks->rank() == ranks->size() - 1;
  if (late) std::this_thread::sleep_for(milliseconds(600));
  ranks->wait_for_all();
  EXPECT_GT(steady_clock::now() - start, milliseconds(500));
  MPI_Barrier(MPI_COMM_WORLD);
}

// As long as those that are in time have: the late one's next call would wait
// for calls that the others never make.
TEST(MpiDeadline, NamesTheRankThatIsLate) {
  MPI_Comm own = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &own);
  const auto ranks = mpi_collective(own, {.deadline = milliseconds(300)});
  const int late = ranks->size() - 1;
  if (ranks->size() > 1 && ranks->rank() != late) {
    const std::string missing =
        "rank " + std::to_string(late) + " of " + std::to_string(ranks->size());
    const auto start = steady_clock::now();
    EXPECT_THAT(
        [&] { ranks->gather(at::full({1}, 1.0f)); },
        ::testing::ThrowsMessage<CollectiveError>(
            "the ranks cannot go on together (" + missing +
            " did not take part in a gather within 0.3 s); see what was said "
            "there last"));
    EXPECT_LT(steady_clock::now() - start, milliseconds(3000));
    EXPECT_THAT([&] { ranks->ordered_sum(at::full({1}, 1.0f)); },
                ::testing::ThrowsMessage<CollectiveError>(::testing::HasSubstr(
                    "an earlier call failed: " + missing)));
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

}  // namespace
}  // namespace lens::collective
