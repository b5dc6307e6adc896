// Run by the launcher, a process for each rank.
#include <gtest/gtest.h>
#include <mpi.h>

#include "collective/mpi_collective.h"
#include "tests/engine/shared_engine.h"

namespace lens::engine {
namespace {

// What carries the bytes between ranks changes none of them.
TEST(MpiSharedEngine, GivesTheBitsOfRanksThatAreThreads) {
  const std::shared_ptr<collective::Collective> own =
      collective::mpi_collective(MPI_COMM_WORLD);
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const Outcome outcome = ask_as(own, dtype);
    const std::vector<Outcome> threads = ask_ranks(own->size(), dtype);
    expect_equal_bits(outcome, threads.front());
    expect_equal_bits(ask_as(own, dtype, model::Reading::kOnce), outcome);
  }
}

}  // namespace
}  // namespace lens::engine
