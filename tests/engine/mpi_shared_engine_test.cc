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
  for (const int golden : {kPlain, kWindowed}) {
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      const Outcome outcome = ask(golden, dtype, {own, model::Reading::kEach});
      expect_equal_bits(outcome, ask_ranks(own->size(), golden, dtype).front());
      expect_equal_bits(ask(golden, dtype, {own, model::Reading::kOnce}),
                        outcome);
    }
  }
}

}  // namespace
}  // namespace lens::engine
