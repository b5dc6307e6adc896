#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace lens::coordinator {

// Samples per second over the last minute of work. Work comes in units, so the
// window reaches further back, at most ten minutes, until it holds three
// advances; otherwise a slow run would read zero between two commits.
class RateMeter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `total` samples are done at `now`. Times do not go back; totals may, when
  // a lease with progress is lost.
  void add(TimePoint now, std::int64_t total);

  // 0: not known.
  double per_second(TimePoint now) const;

 private:
  struct Point {
    TimePoint time;
    std::int64_t total;
  };
  std::deque<Point> points_;  // one per change
};

}  // namespace lens::coordinator
