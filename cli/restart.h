#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace lens::cli {

// How often something that died may be started again: after 0.5 s, 1 s, 2 s,
// ... and at most kMostInARow times without progress. A pure value.
//
// Deaths that teach something (a sample found to be the cause is quarantined
// after its second) do not count in that row, but all deaths since the last
// progress do count up to kMostInAll: a fault of every sample must not go
// through the whole data set.
class RestartBudget {
 public:
  static constexpr int kMostInARow = 5;
  static constexpr int kMostInAll = 40;

  explicit RestartBudget(
      std::chrono::milliseconds first_pause = std::chrono::milliseconds(500))
      : first_pause_(first_pause) {}

  // `mark` is any number that grows as the work goes on; a new one forgives
  // earlier deaths.
  void progress(std::int64_t mark) {
    if (mark == mark_) return;
    mark_ = mark;
    row_ = 0;
    all_ = 0;
  }
  // The same for what was learnt.
  void learnt(std::int64_t mark) {
    if (mark == learnt_) return;
    learnt_ = mark;
    row_ = 0;
  }

  // How long to wait before the next start; nothing when it is not worth it.
  std::optional<std::chrono::milliseconds> next() {
    if (row_ >= kMostInARow || all_ >= kMostInAll) return std::nullopt;
    ++all_;
    return first_pause_ * (1 << row_++);
  }

 private:
  std::chrono::milliseconds first_pause_;
  int row_ = 0;
  int all_ = 0;
  std::int64_t mark_ = -1;
  std::int64_t learnt_ = 0;
};

}  // namespace lens::cli
