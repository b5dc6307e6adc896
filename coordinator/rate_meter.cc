#include "coordinator/rate_meter.h"

#include <algorithm>

namespace lens::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto kWindow = minutes(1);
constexpr auto kMemory = minutes(10);
constexpr auto kResolution = milliseconds(500);
constexpr std::size_t kAdvances = 3;

}  // namespace

void RateMeter::add(TimePoint now, std::int64_t total) {
  if (!points_.empty() && points_.back().total == total) return;
  const bool crowded = points_.size() > 1 &&
                       now - points_[points_.size() - 2].time < kResolution;
  if (crowded) {
    points_.back() = {now, total};
  } else {
    points_.push_back({now, total});
  }
  while (points_.size() > 1 && now - points_[1].time > kMemory) {
    points_.pop_front();
  }
}

double RateMeter::per_second(TimePoint now) const {
  if (points_.size() < 2) return 0;
  std::size_t base = points_.size() - 1;
  while (base > 0 && (now - points_[base].time < kWindow ||
                      points_.size() - 1 - base < kAdvances)) {
    --base;
  }
  // Between two commits the run has not slowed down; after a silent minute it
  // has.
  const Point& last = points_.back();
  const TimePoint end = now - last.time > kWindow ? now : last.time;
  const double elapsed =
      std::chrono::duration<double>(end - points_[base].time).count();
  const auto done = static_cast<double>(last.total - points_[base].total);
  return elapsed > 0 ? std::max(0.0, done / elapsed) : 0;
}

}  // namespace lens::coordinator
