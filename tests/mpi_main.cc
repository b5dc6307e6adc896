// The program of tests whose ranks a launcher starts: each runs all of them, in
// step with the others.
#include <gmock/gmock.h>
#include <mpi.h>

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  ::testing::InitGoogleMock(&argc, argv);
  const int status = RUN_ALL_TESTS();
  // Over a failure the ranks may be out of step, and would wait for each other.
  if (status != 0) MPI_Abort(MPI_COMM_WORLD, status);
  MPI_Finalize();
  return status;
}
