#include "collective/mpi_messages.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>

#include "collective/collective.h"

namespace lens::collective {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

void check(int code) {
  if (code == MPI_SUCCESS) return;
  char words[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, words, &length);
  throw CollectiveError("the ranks cannot go on together (MPI says: " +
                        std::string(words, static_cast<std::size_t>(length)) +
                        "); see what the other ranks said last");
}

// Between two looks at what has come: none at first, when most messages come,
// later ever longer ones, since ranks may share cores.
class Pause {
 public:
  void take() {
    const auto waited = steady_clock::now() - start_;
    if (waited < microseconds(100)) {
      std::this_thread::yield();
      return;
    }
    std::this_thread::sleep_for(sleep_);
    // An eighth of what was waited is late at most.
    sleep_ = std::clamp(std::chrono::duration_cast<microseconds>(waited) / 8,
                        microseconds(10), microseconds(5000));
  }

 private:
  const steady_clock::time_point start_ = steady_clock::now();
  microseconds sleep_{10};
};

}  // namespace

MpiMessages::~MpiMessages() {
  if (requests_.empty()) return;
  static auto* const lost = new std::vector<
      std::pair<std::vector<MPI_Request>, std::vector<at::Tensor>>>;
  lost->emplace_back(std::move(requests_), std::move(held_));
}

void MpiMessages::send(int rank, const at::Tensor& values) {
  start(Way::kSend, rank, values);
}

void MpiMessages::receive(int rank, const at::Tensor& values) {
  start(Way::kReceive, rank, values);
}

void MpiMessages::start(Way way, int rank, const at::Tensor& values) {
  held_.push_back(values);
  auto* const bytes = static_cast<std::byte*>(values.data_ptr());
  const auto total = static_cast<std::int64_t>(values.nbytes());
  for (std::int64_t begin = 0; begin < total; begin += most_bytes_) {
    const auto count = static_cast<int>(std::min(most_bytes_, total - begin));
    MPI_Request request = MPI_REQUEST_NULL;
    check(way == Way::kSend ? MPI_Isend(bytes + begin, count, MPI_BYTE, rank,
                                        tag_, ranks_, &request)
                            : MPI_Irecv(bytes + begin, count, MPI_BYTE, rank,
                                        tag_, ranks_, &request));
    requests_.push_back(request);
    peers_.push_back(rank);
  }
}

std::set<int> MpiMessages::finish(
    std::optional<std::chrono::milliseconds> deadline) {
  const auto start = steady_clock::now();
  Pause pause;
  for (;;) {
    int done = 0;
    check(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(),
                      &done, MPI_STATUSES_IGNORE));
    if (done) break;
    if (deadline && steady_clock::now() - start >= *deadline) {
      std::set<int> missing;
      for (std::size_t i = 0; i < requests_.size(); ++i) {
        int come = 0;
        check(MPI_Request_get_status(requests_[i], &come, MPI_STATUS_IGNORE));
        if (!come) missing.insert(peers_[i]);
      }
      if (!missing.empty()) return missing;
    }
    pause.take();
  }
  requests_.clear();
  held_.clear();
  return {};
}

}  // namespace lens::collective
