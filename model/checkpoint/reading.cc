#include "model/checkpoint/reading.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <system_error>
#include <utility>

namespace lens::model {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kLargestPiece = 16 << 20;  // bytes
// Of the weights, in matrices that are cut across their rows: every rank reads
// all of their pages. Attention's output and the MLP's, about.
constexpr double kReadByAll = 1.0 / 3;

std::int64_t size_of(const std::filesystem::path& file) {
  std::error_code unknown;
  const auto size = std::filesystem::file_size(file, unknown);
  return unknown ? 0 : static_cast<std::int64_t>(size);
}

std::int64_t piece_of(const std::filesystem::path& file, int places) {
  return std::clamp<std::int64_t>(size_of(file) / places, 1, kLargestPiece);
}

// Takes pieces of a file and gives them on, against the clock.
class Trial {
 public:
  Trial(std::filesystem::path file, at::Device device,
        collective::Collective& ranks)
      : file_(std::move(file)),
        ranks_(ranks),
        bytes_(piece_of(file_, ranks.size() + 1)),
        // Written to, so that no page is new when it is read into.
        piece_(at::full({bytes_}, 1, at::kByte)),
        sent_(piece_.to(device)) {}

  // Seconds until the last of all ranks has done what it does.
  template <typename Work>
  double slowest(const Work& work) {
    meet(0);  // all begin together
    const Clock::time_point begin = Clock::now();
    work();
    return meet(std::chrono::duration<double>(Clock::now() - begin).count());
  }

  // The piece at `place` of `places`; a file that cannot be read now is noticed
  // when it is opened.
  void read(int place, int places) const {
    const int descriptor = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    const std::int64_t begin = size_of(file_) / places * place;
    auto* const data = static_cast<char*>(piece_.mutable_data_ptr());
    for (std::int64_t done = 0; done < bytes_;) {
      const ssize_t count =
          ::pread(descriptor, data + done,
                  static_cast<std::size_t>(bytes_ - done), begin + done);
      if (count <= 0) break;
      done += count;
    }
    ::close(descriptor);
  }

  void hand_on() const {
    ranks_.broadcast(sent_);
    // Values that have come: a broadcast may return before.
    ranks_.gather(sent_.narrow(0, 0, 1)).cpu();
  }

  double gigabytes_per_second(double seconds) const {
    return static_cast<double>(bytes_) / 1e9 / std::max(seconds, 1e-9);
  }

 private:
  double meet(double seconds) const {
    return ranks_.gather(at::tensor({seconds}, at::kDouble))
        .max()
        .item<double>();
  }

  const std::filesystem::path file_;
  collective::Collective& ranks_;
  const std::int64_t bytes_;  // of a piece
  const at::Tensor piece_;
  const at::Tensor sent_;
};

}  // namespace

std::string_view name_of(Reading reading) {
  return reading == Reading::kEach ? "each" : "once";
}

Reading measured_reading(const std::filesystem::path& file, at::Device device,
                         collective::Collective& ranks) {
  Trial trial(file, device, ranks);
  trial.hand_on();  // meets whatever is set up late
  const int own = ranks.rank();
  const int size = ranks.size();
  // Pieces that nobody has read yet, save the one that all read.
  const double apart = trial.slowest([&] { trial.read(own, size + 1); });
  const double alone = trial.slowest([&] {
    if (own == 0) trial.read(size, size + 1);
  });
  const double again = trial.slowest([&] { trial.read(size, size + 1); });
  const double handing = trial.slowest([&] { trial.hand_on(); });

  // Of a piece of the weights; the same numbers on all ranks.
  const double each = (1 - kReadByAll) * apart / size + kReadByAll * again;
  const double once = alone + handing;
  const Reading chosen = once < each ? Reading::kOnce : Reading::kEach;
  if (own == 0) {
    std::clog << "weights are read "
              << (chosen == Reading::kOnce ? "once and handed on"
                                           : "by each rank")
              << std::fixed << std::setprecision(1) << " (that gives "
              << trial.gigabytes_per_second(std::min(each, once))
              << " GB/s, the other way "
              << trial.gigabytes_per_second(std::max(each, once)) << ")\n";
  }
  return chosen;
}

}  // namespace lens::model
