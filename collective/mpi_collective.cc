#include "collective/mpi_collective.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "collective/carrier.h"
#include "collective/mpi_messages.h"
#include "collective/rank_order.h"

namespace lens::collective {
namespace {

// Calls that tags tell apart; MPI promises tags up to 32767.
constexpr int kCalls = 64;

std::string seconds(std::chrono::milliseconds time) {
  char text[32] = "";
  std::snprintf(text, sizeof(text), "%.1f s",
                static_cast<double>(time.count()) / 1000);
  return text;
}

std::string absence(const std::set<int>& missing, int size,
                    const std::string& call,
                    std::chrono::milliseconds deadline) {
  std::ostringstream text;
  text << (missing.size() == 1 ? "rank" : "ranks");
  for (const int rank : missing) text << ' ' << rank;
  text << " of " << size << " did not take part in " << call << " within "
       << seconds(deadline);
  return text.str();
}

class MpiCollective final : public Carrier {
 public:
  MpiCollective(MPI_Comm ranks, const Carriage& carriage)
      : Carrier(carriage), ranks_(ranks) {
    MPI_Comm_set_errhandler(ranks_, MPI_ERRORS_RETURN);
    MPI_Comm_rank(ranks_, &rank_);
    MPI_Comm_size(ranks_, &size_);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void broadcast(const at::Tensor& values) override {
    start(values);
    hand_down(values, carriage().deadline);
  }

  void await(const at::Tensor& values) override {
    start(values);
    hand_down(values,
              rank_ == 0 ? std::optional(carriage().deadline) : std::nullopt);
  }

  void wait_for_all() override {
    const at::Tensor sign = at::zeros({1}, at::kByte);
    start(sign);
    collect_within(std::nullopt, sign, Step::kGather);
  }

  at::Tensor rounded_sum(const at::Tensor& part,
                         at::ScalarType dtype) override {
    start(part);
    expect_summable(part);
    if (size_ == 1) return part.to(dtype);
    return add_up(part, dtype);
  }

  at::Tensor gather(const at::Tensor& part) override {
    start(part);
    return collect(part.contiguous(), Step::kGather);
  }

 private:
  // Part of the tag of messages.
  static constexpr int kSteps = static_cast<int>(Step::kShare) + 1;

  static const char* name_of(Step step) {
    switch (step) {
      case Step::kBroadcast:
        return "a broadcast";
      case Step::kGather:
        return "a gather";
      default:
        return "a sum";
    }
  }

  void start(const at::Tensor& values) {
    if (!broken_.empty()) throw_broken(broken_);
    if (!values.is_cpu()) {
      throw std::invalid_argument(
          "cannot send over MPI (the values are not in host memory); move them "
          "there");
    }
    call_ = (call_ + 1) % kCalls;
  }

  // Sends and receives what `fill` says, and waits for it.
  template <typename Fill>
  void travel(Step step, std::optional<std::chrono::milliseconds> deadline,
              const Fill& fill) {
    std::set<int> missing;
    try {
      MpiMessages messages(ranks_, call_ * kSteps + static_cast<int>(step),
                           carriage().message_bytes);
      fill(messages);
      missing = messages.finish(deadline);
    } catch (const CollectiveError& error) {
      broken_ = error.what();
      throw;
    }
    if (missing.empty()) return;
    broken_ = absence(missing, size_, name_of(step), *deadline);
    throw CollectiveError("the ranks cannot go on together (" + broken_ +
                          "); see what was said there last");
  }

  void hand_down(const at::Tensor& values,
                 std::optional<std::chrono::milliseconds> deadline) {
    expect_contiguous(values);
    travel(Step::kBroadcast, deadline, [&](MpiMessages& messages) {
      if (rank_ != 0) {
        messages.receive(0, values);
        return;
      }
      for (int other = 1; other < size_; ++other) messages.send(other, values);
    });
  }

  at::Tensor collect(const at::Tensor& own, Step step) override {
    return collect_within(carriage().deadline, own, step);
  }

  at::Tensor collect_within(std::optional<std::chrono::milliseconds> deadline,
                            const at::Tensor& own, Step step) {
    std::vector<std::int64_t> shape = own.sizes().vec();
    shape.insert(shape.begin(), size_);
    const at::Tensor all = at::empty(shape, own.options());
    all.select(0, rank_).copy_(own);
    trade(step, deadline, std::vector<at::Tensor>(size_, own), all.unbind());
    return all;
  }

  void exchange(const std::vector<at::Tensor>& to,
                const std::vector<at::Tensor>& from) override {
    trade(Step::kExchange, carriage().deadline, to, from);
  }

  // Gives to[r] to each other rank r and fills from[r].
  void trade(Step step, std::optional<std::chrono::milliseconds> deadline,
             const std::vector<at::Tensor>& to,
             const std::vector<at::Tensor>& from) {
    travel(step, deadline, [&](MpiMessages& messages) {
      for (int other = 0; other < size_; ++other) {
        if (other == rank_) continue;
        messages.receive(other, from[other]);
        messages.send(other, to[other]);
      }
    });
  }

  const MPI_Comm ranks_;
  int rank_ = 0;
  int size_ = 1;
  int call_ = 0;
  std::string broken_;  // why nothing works any more; empty while all is well
};

}  // namespace

std::unique_ptr<Collective> mpi_collective(MPI_Comm ranks,
                                           const Carriage& carriage) {
  return std::make_unique<MpiCollective>(ranks, carriage);
}

}  // namespace lens::collective
