#pragma once

#include <ATen/core/Tensor.h>
#include <mpi.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace lens::collective {

// The messages of one step of a call between ranks. What they read and write
// is kept for as long as MPI may touch it.
class MpiMessages {
 public:
  // `tag` tells this step from the ones around it, so that ranks which are out
  // of step wait instead of taking each other's values.
  MpiMessages(MPI_Comm ranks, int tag, std::int64_t most_bytes)
      : ranks_(ranks), tag_(tag), most_bytes_(most_bytes) {}
  // Messages that never ended live on, for MPI may still write what they hold.
  ~MpiMessages();
  MpiMessages(const MpiMessages&) = delete;
  MpiMessages& operator=(const MpiMessages&) = delete;

  // `values` are contiguous, and may be a view of a larger tensor.
  void send(int rank, const at::Tensor& values);
  void receive(int rank, const at::Tensor& values);

  // Waits for all of them, at most for `deadline`. Gives the ranks that have
  // not taken their part by then. Throws CollectiveError where MPI does.
  std::set<int> finish(std::optional<std::chrono::milliseconds> deadline);

 private:
  enum class Way { kSend, kReceive };
  void start(Way way, int rank, const at::Tensor& values);

  const MPI_Comm ranks_;
  const int tag_;
  const std::int64_t most_bytes_;
  std::vector<MPI_Request> requests_;
  std::vector<int> peers_;  // of each request
  std::vector<at::Tensor> held_;
};

}  // namespace lens::collective
