#pragma once

#include <ATen/ops/stack.h>

#include <barrier>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "collective/collective.h"
#include "collective/rank_order.h"

namespace lens::collective {

// Ranks that are threads of one process: for tests of what ranks do together.
class ThreadCollective final : public Collective {
 public:
  struct Meeting {
    explicit Meeting(int size)
        : parts(static_cast<std::size_t>(size)), barrier(size) {}
    std::vector<at::Tensor> parts;
    std::barrier<> barrier;
  };

  ThreadCollective(int rank, std::shared_ptr<Meeting> meeting)
      : rank_(rank), meeting_(std::move(meeting)) {}

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(meeting_->parts.size()); }
  void broadcast(const at::Tensor& values) override {
    expect_contiguous(values);
    const std::vector<at::Tensor> all = exchange(values);
    if (rank_ != 0) values.copy_(all.front());
    meeting_->barrier.arrive_and_wait();
  }
  void wait_for_all() override { meeting_->barrier.arrive_and_wait(); }
  at::Tensor rounded_sum(const at::Tensor& part,
                         at::ScalarType dtype) override {
    expect_summable(part);
    const at::Tensor sum =
        add_in_rank_order(at::stack(exchange(part))).to(dtype);
    meeting_->barrier.arrive_and_wait();
    return sum;
  }
  at::Tensor gather(const at::Tensor& part) override {
    const at::Tensor all = at::stack(exchange(part));
    meeting_->barrier.arrive_and_wait();
    return all;
  }

 private:
  // Valid until the ranks meet again.
  std::vector<at::Tensor> exchange(const at::Tensor& part) {
    meeting_->parts[static_cast<std::size_t>(rank_)] = part;
    meeting_->barrier.arrive_and_wait();
    return meeting_->parts;
  }

  int rank_;
  std::shared_ptr<Meeting> meeting_;
};

// Calls `work` as each of `size` ranks, and waits for all.
inline void as_ranks(
    int size,
    const std::function<void(const std::shared_ptr<Collective>&)>& work) {
  const auto meeting = std::make_shared<ThreadCollective::Meeting>(size);
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&work, meeting, rank] {
      work(std::make_shared<ThreadCollective>(rank, meeting));
    });
  }
}

}  // namespace lens::collective
