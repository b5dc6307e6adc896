// silent_rank CALL VICTIM SIGNAL: ranks that repeat a call until one of them is
// hit by a signal somewhere in it. Each of the others says what its call threw,
// what the next one threw, and how long the first has taken.

#include <ATen/ops/zeros.h>
#include <mpi.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "collective/mpi_collective.h"

namespace {

using namespace lens::collective;  // NOLINT: this file is the program
using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string said_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const CollectiveError& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string name = argv[1];
  const int victim = std::stoi(argv[2]);
  const int signal = std::stoi(argv[3]);
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  int rank = 0;
  {
    const auto ranks = mpi_collective(
        MPI_COMM_WORLD,
        {.deadline = milliseconds(700), .whole_bytes = 64 << 10});
    rank = ranks->rank();
    const at::Tensor small = at::zeros({16});
    const at::Tensor large = at::zeros({1 << 18});
    const std::map<std::string, std::function<void()>> calls = {
        {"broadcast", [&] { ranks->broadcast(large); }},
        {"gather", [&] { ranks->gather(large); }},
        {"whole_sum", [&] { ranks->ordered_sum(small); }},
        {"sliced_sum", [&] { ranks->ordered_sum(large); }},
    };
    const auto& call = calls.at(name);
    call();
    std::thread hit;
    if (rank == victim) {
      hit = std::thread([signal] {
        std::this_thread::sleep_for(milliseconds(150));
        ::kill(::getpid(), signal);
      });
    }
    std::string said = "nothing";
    auto start = steady_clock::now();
    while (said == "nothing") {
      start = steady_clock::now();
      said = said_by(call);
    }
    // A launcher wakes a stopped one before it ends it.
    if (rank == victim) ::_exit(1);
    const std::chrono::duration<double> took = steady_clock::now() - start;
    const std::string next = said_by(call);
    std::printf("SAID %s\nTHEN %s\nTOOK %.2f\n", said.c_str(), next.c_str(),
                took.count());
    std::fflush(stdout);
  }
  // The collective is gone without waiting for anybody. The launcher ends all
  // when one goes without MPI_Finalize: the others get to say their lines.
  std::printf("LEFT\n");
  std::fflush(stdout);
  std::this_thread::sleep_for(milliseconds(1500));
  ::_exit(1);
}
