#include "proto/client/waiting.h"

namespace lens::proto {
namespace {

using std::chrono::seconds;

// Shorter ones are nobody's concern.
constexpr seconds kFirst(2);
constexpr seconds kAgain(30);
// Between two waits: a call that is answered between two that are not must not
// fill a log.
constexpr seconds kApart(10);

std::string in_seconds(std::chrono::steady_clock::duration duration) {
  return std::to_string(std::chrono::duration_cast<seconds>(duration).count()) +
         " s";
}

}  // namespace

void Waiting::failed(const std::string& where, const std::string& why) {
  if (!log_) return;
  const auto now = now_();
  const std::lock_guard lock(mutex_);
  if (!since_) since_ = now;
  if (now - *since_ < kFirst) return;
  if (told_ && now - *told_ < (told_of_this_ ? kAgain : kApart)) return;
  told_ = now;
  told_of_this_ = true;
  log_("waiting for the coordinator" + (where.empty() ? "" : " at " + where) +
       " (" + why + "), " + in_seconds(now - *since_) + " so far");
}

void Waiting::answered() {
  if (!log_) return;
  const std::lock_guard lock(mutex_);
  if (told_of_this_) {
    log_("the coordinator answers again after " + in_seconds(now_() - *since_));
  }
  since_.reset();
  told_of_this_ = false;
}

}  // namespace lens::proto
