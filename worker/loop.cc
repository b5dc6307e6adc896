#include "worker/loop.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <new>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "base/error.h"
#include "collective/collective_error.h"
#include "storage/part.h"
#include "worker/crash_watch.h"
#include "worker/heartbeats.h"

namespace lens::worker {

using namespace std::chrono_literals;

namespace {

// Adds the time that it lives.
class Timed {
 public:
  explicit Timed(std::chrono::duration<double>& sum) : sum_(sum) {}
  ~Timed() { sum_ += std::chrono::steady_clock::now() - begin_; }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  std::chrono::duration<double>& sum_;
  const std::chrono::steady_clock::time_point begin_ =
      std::chrono::steady_clock::now();
};

}  // namespace

// A lease and what is being done about it.
struct WorkLoop::Held {
  Lease lease;
  std::future<PreparedUnit> prepared;
};

WorkLoop::WorkLoop(const storage::RunDirectory& run,
                   const storage::Manifest& manifest, std::string device_name,
                   Coordinator& coordinator, UnitSource& source,
                   UnitRunner& runner, std::stop_token stop)
    : run_(run),
      manifest_(manifest),
      device_name_(std::move(device_name)),
      coordinator_(coordinator),
      source_(source),
      runner_(runner),
      stop_(std::move(stop)),
      heartbeats_(coordinator) {
  const auto limit = coordinator.stall_limit();
  if (limit && limit->count() > 0) stall_watch_.emplace(*limit);
}

WorkLoop::~WorkLoop() = default;

LoopEnd WorkLoop::run() {
  std::unique_ptr<Held> current;
  while (!stopping()) {
    // The coordinator may be waiting for this very part; and beside a unit that
    // is to be alone nothing is stored.
    if (!current || current->lease.alone) await_store();
    {
      const Timed timed(times_.unit);
      if (!current) {
        current = take_lease(/*may_wait=*/true);
        if (!current) break;
      }
      if (!current->prepared.valid()) prepare(*current);
      // The source serves one unit at a time: the images of this one are ready
      // before those of the next are begun.
      current->prepared.wait();
    }
    const bool alone = current->lease.alone;
    std::future<std::unique_ptr<Held>> next;
    if (!alone) next = look_ahead();
    compute(*current);
    current = nullptr;
    const Timed timed(times_.unit);
    if (next.valid()) current = next.get();
  }
  await_store();
  if (current) release(*current, "the worker was asked to leave");
  if (stopping()) return LoopEnd::kDrained;
  return end_.value_or(LoopEnd::kComplete);
}

// The next lease, its images on their way; null where there is none just now.
std::future<std::unique_ptr<WorkLoop::Held>> WorkLoop::look_ahead() {
  return std::async(std::launch::async, [this] {
    std::unique_ptr<Held> held = take_lease(/*may_wait=*/false);
    if (held && !held->lease.alone) prepare(*held);
    return held;
  });
}

// A lease, or none: there is no more work (end_ says why), or none just now and
// waiting is not wanted.
std::unique_ptr<WorkLoop::Held> WorkLoop::take_lease(bool may_wait) {
  while (!end_ && !stopping()) {
    const AcquireAnswer answer = coordinator_.acquire();
    if (const Lease* lease = std::get_if<Lease>(&answer)) {
      auto held = std::make_unique<Held>();
      held->lease = *lease;
      // From here on heartbeats name it: its images may take longer than a
      // lease lasts.
      heartbeats_.hold(held->lease);
      return held;
    }
    if (const Leave* leave = std::get_if<Leave>(&answer)) {
      switch (leave->reason) {
        case LeaveReason::kDraining:
          end_ = LoopEnd::kDrained;
          break;
        case LeaveReason::kFailed:
          end_ = LoopEnd::kFailed;
          break;
        default:
          end_ = LoopEnd::kComplete;
      }
      return nullptr;
    }
    if (!may_wait) return nullptr;
    // In short steps: a signal may come.
    const auto until =
        std::chrono::steady_clock::now() + std::get<Wait>(answer).duration;
    while (!stopping() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(50ms);
    }
  }
  return nullptr;
}

void WorkLoop::prepare(Held& held) {
  PrepareOptions options;
  options.one_image_at_a_time = held.lease.alone;
  for (const QuarantinedSample& sample : held.lease.quarantined) {
    options.quarantine.emplace(sample.sample_id, sample.reason);
  }
  const storage::Unit& unit = manifest_.units.at(held.lease.unit);
  held.prepared = std::async(
      std::launch::async,
      [this, &unit, &lease = held.lease, given = std::move(options)]() mutable {
        Doing doing(run_, lease, Stage::kRows);
        given.watch = [&](const std::string& key) {
          doing.step();
          const auto image =
              std::make_shared<Doing>(run_, lease, Stage::kImage);
          image->come_to({&key, 1});
          return image;
        };
        PreparedUnit prepared = source_.prepare(unit, given);
        prepared.lease = lease.token;
        return prepared;
      });
}

void WorkLoop::release(Held& held, const std::string& reason) {
  // Its thread refers to the lease that goes with `held`.
  if (held.prepared.valid()) held.prepared.wait();
  coordinator_.fail(held.lease, FailureClass::kLost, "", reason);
  heartbeats_.drop(held.lease);
}

// The seam of the worker: whatever goes wrong with a unit is told to the
// coordinator, which decides; the process goes on where it can. False where it
// went wrong.
template <typename Work>
bool WorkLoop::attempt(const Lease& lease, const Work& work) {
  std::string sample;  // the one that was in work, where there was one alone
  const auto fail = [&](FailureClass failure, const std::string& reason) {
    spdlog::error("unit {}: {}", lease.unit, reason);
    coordinator_.fail(lease, failure, sample, reason);
  };
  try {
    work(sample);
    return true;
  } catch (const Abandoned&) {
    coordinator_.fail(lease, FailureClass::kLost, "", "given up on request");
  } catch (const FailedCheck& problem) {
    fail(FailureClass::kCheck, problem.what());
  } catch (const OutOfMemory& problem) {
    fail(FailureClass::kOutOfMemory, problem.what());
  } catch (const std::bad_alloc&) {
    fail(FailureClass::kOutOfMemory, "the host has no memory left");
  } catch (const StorageError& problem) {
    fail(FailureClass::kStore, problem.what());
    // Before InputError, which it is too.
  } catch (const InputChanged& problem) {
    fail(FailureClass::kInput, problem.what());
  } catch (const InputError& problem) {
    fail(FailureClass::kCrash, problem.what());
  } catch (const CoordinatorError&) {
    throw;
  } catch (const collective::CollectiveError& problem) {
    // Another rank has died or hangs, which tells of itself where the unit has
    // to do with it.
    fail(FailureClass::kLost, problem.what());
    throw;
  } catch (const std::exception& problem) {
    // Nobody knows what state this has left the device in: start afresh.
    fail(FailureClass::kCrash, problem.what());
    throw;
  }
  heartbeats_.drop(lease);
  return false;
}

void WorkLoop::compute(Held& held) {
  const Lease& lease = held.lease;
  storage::UnitResult result;
  {
    const Timed timed(times_.engine);
    const bool done = attempt(lease, [&](std::string& sample) {
      Doing doing(run_, lease, Stage::kModel);
      const UnitRunner::Hooks hooks{
          .cancelled =
              [&] {
                doing.step();
                return stopping() || heartbeats_.revoked(lease);
              },
          .samples_started =
              [&](std::span<const std::string> samples) {
                doing.come_to(samples);
                sample = doing.sample();
              },
          .sample_finished = [&] { heartbeats_.sample_done(lease); }};
      result = runner_.run(held.prepared.get(), lease.alone, hooks);
    });
    if (!done) return;
  }
  await_store();
  // One part at a time: results of more than two units would wait in memory.
  stored_ = std::async(
      std::launch::async,
      [this, lease, result = std::move(result)] { store(lease, result); });
}

// Throws what the storing of the unit before threw.
void WorkLoop::await_store() {
  const Timed timed(times_.store);
  if (stored_.valid()) stored_.get();
}

void WorkLoop::store(const Lease& lease, const storage::UnitResult& result) {
  const storage::Unit& unit = manifest_.units.at(lease.unit);
  const storage::PartHeader header{.run_id = manifest_.run_id,
                                   .dataset = unit.dataset,
                                   .unit = unit.index,
                                   .epoch = lease.token.epoch,
                                   .number = lease.token.number,
                                   .device_name = device_name_};
  const bool done = attempt(lease, [&](std::string&) {
    storage::PartReceipt receipt;
    {
      const Doing doing(run_, lease, Stage::kStore);
      receipt =
          storage::write_part(run_.root(),
                              run_.part(unit.dataset, unit.index,
                                        lease.token.epoch, lease.token.number),
                              header, result);
    }
    commit(lease, receipt, result);
  });
  if (done) heartbeats_.drop(lease);
}

void WorkLoop::commit(const Lease& lease, const storage::PartReceipt& receipt,
                      const storage::UnitResult& result) {
  const std::int64_t failed =
      std::count_if(result.samples.begin(), result.samples.end(),
                    [](const storage::SampleRecord& sample) {
                      return sample.status == storage::SampleStatus::kFailed;
                    });
  const auto answer = coordinator_.commit(
      lease, receipt, static_cast<std::int64_t>(result.samples.size()) - failed,
      failed, static_cast<std::int64_t>(result.tokens.size()));
  if (answer != CommitAnswer::kStale) return;
  // Somebody else has the unit now; this part must not linger. One that cannot
  // be removed does no harm.
  std::error_code ignored;
  std::filesystem::remove(run_.root() / receipt.file_name, ignored);
  spdlog::warn("unit {}: the lease had passed on; part dropped", lease.unit);
}

}  // namespace lens::worker
