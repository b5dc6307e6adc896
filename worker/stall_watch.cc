#include "worker/stall_watch.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace lens::worker {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::optional<StallJudge::Stalled> StallJudge::look(
    std::span<const InWork> work, Duration elapsed) {
  std::map<std::uint64_t, Known> now;
  std::optional<Stalled> stalled;
  const bool images = std::ranges::any_of(
      work, [](const InWork& item) { return item.stage == Stage::kImage; });
  for (const InWork& item : work) {
    Known known{.stage = item.stage, .steps = item.steps, .idle = Duration(0)};
    const auto before = known_.find(item.id);
    if (before != known_.end()) {
      before->second.idle += elapsed;
      if (before->second.steps == item.steps) {
        known.idle = before->second.idle;
      } else {
        stepped(before->second);
      }
      known_.erase(before);
    }
    // These rows wait for their images, which are watched themselves.
    if (images && item.stage == Stage::kRows) known.idle = Duration(0);
    if (!stalled && known.idle >= limit_of(item.stage)) {
      stalled = Stalled{item.id, known.idle};
    }
    now.emplace(item.id, known);
  }
  // What is no longer in work is done: that was a step too.
  for (auto& [id, ended] : known_) {
    ended.idle += elapsed;
    stepped(ended);
  }
  known_ = std::move(now);
  return stalled;
}

void StallJudge::stepped(const Known& known) {
  auto& longest = longest_.at(static_cast<std::size_t>(known.stage));
  longest = std::max(longest.value_or(Duration(0)), known.idle);
}

StallJudge::Duration StallJudge::limit_of(Stage stage) const {
  const auto& longest = longest_.at(static_cast<std::size_t>(stage));
  return longest ? std::max(limit_, 20 * *longest) : 6 * limit_;
}

StallWatch::StallWatch(milliseconds limit)
    : limit_(limit),
      thread_([this](const std::stop_token& stop) { watch(stop); }) {}

void StallWatch::watch(const std::stop_token& stop) {
  const milliseconds tick =
      std::clamp(limit_ / 20, milliseconds(10), milliseconds(1'000));
  StallJudge judge(limit_);
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  auto last = steady_clock::now();
  while (!never.wait_for(lock, stop, tick,
                         [&] { return stop.stop_requested(); })) {
    const auto now = steady_clock::now();
    const auto passed = std::chrono::duration_cast<milliseconds>(now - last);
    last = now;
    // A longer pause was the whole process's, not the work's.
    const auto stalled = judge.look(in_work(), std::min(passed, 2 * tick));
    if (!stalled) continue;
    const auto idle =
        std::chrono::duration_cast<std::chrono::seconds>(stalled->idle);
    spdlog::critical(
        "no step for {} s: the work hangs, and this worker ends; another one "
        "goes on without it",
        idle.count());
    spdlog::default_logger()->flush();
    end_stalled(stalled->id, idle);
  }
}

}  // namespace lens::worker
