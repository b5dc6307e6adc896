#include "worker/loop.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <new>
#include <span>
#include <thread>
#include <utility>
#include <variant>

#include "storage/error.h"
#include "storage/part.h"
#include "worker/crash_watch.h"
#include "worker/error.h"
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
                   Client& client, SampleSource& source, UnitRunner& runner,
                   std::stop_token stop)
    : run_(run),
      manifest_(manifest),
      device_name_(std::move(device_name)),
      client_(client),
      source_(source),
      runner_(runner),
      stop_(std::move(stop)),
      heartbeats_(client) {}

WorkLoop::~WorkLoop() = default;

LoopEnd WorkLoop::run() {
  std::unique_ptr<Held> current;
  while (!stopping()) {
    {
      const Timed timed(times_.unit);
      if (!current) {
        // The coordinator may be waiting for this very part.
        await_store();
        current = take_lease(/*may_wait=*/true);
        if (!current) break;
        prepare(*current);
      }
      // The source serves one unit at a time: the images of this one are ready
      // before those of the next are begun.
      current->prepared.wait();
    }
    std::future<std::unique_ptr<Held>> next = look_ahead();
    compute(*current);
    const Timed timed(times_.unit);
    current = next.get();
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
    if (held) prepare(*held);
    return held;
  });
}

// A lease, or none: there is no more work (end_ says why), or none just now and
// waiting is not wanted.
std::unique_ptr<WorkLoop::Held> WorkLoop::take_lease(bool may_wait) {
  while (!end_ && !stopping()) {
    const AcquireAnswer answer = client_.acquire();
    if (const Lease* lease = std::get_if<Lease>(&answer)) {
      auto held = std::make_unique<Held>();
      held->lease = *lease;
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
  Quarantine quarantine;
  for (const QuarantinedSample& sample : held.lease.quarantined) {
    quarantine.emplace(sample.sample_id, sample.reason);
  }
  const storage::Unit& unit = manifest_.units.at(held.lease.unit);
  held.prepared = std::async(
      std::launch::async,
      [this, &unit, &lease = held.lease, list = std::move(quarantine)] {
        const Doing doing(run_, lease, Stage::kRows);
        return source_.prepare(unit, list, [&](const std::string& key) {
          const auto image =
              std::make_shared<Doing>(run_, lease, Stage::kImage);
          image->come_to({&key, 1});
          return image;
        });
      });
}

void WorkLoop::release(Held& held, const std::string& reason) {
  if (held.prepared.valid()) held.prepared.wait();
  client_.fail(held.lease, FailureClass::kLost, "", reason);
  heartbeats_.drop(held.lease);
}

// The seam of the worker: whatever goes wrong with a unit is told to the
// coordinator, which decides; the process goes on where it can. False where it
// went wrong.
template <typename Work>
bool WorkLoop::attempt(const Lease& lease, const Doing& doing,
                       const Work& work) {
  const auto fail = [&](FailureClass failure, const std::string& reason) {
    spdlog::error("unit {}: {}", lease.unit, reason);
    client_.fail(lease, failure, doing.sample(), reason);
  };
  try {
    work();
    return true;
  } catch (const Abandoned&) {
    client_.fail(lease, FailureClass::kLost, "", "given up on request");
  } catch (const FailedCheck& problem) {
    fail(FailureClass::kCheck, problem.what());
  } catch (const OutOfMemory& problem) {
    fail(FailureClass::kOutOfMemory, problem.what());
  } catch (const std::bad_alloc&) {
    fail(FailureClass::kOutOfMemory, "the host has no memory left");
  } catch (const storage::StorageError& problem) {
    fail(FailureClass::kStore, problem.what());
  } catch (const InputError& problem) {
    fail(FailureClass::kCrash, problem.what());
  } catch (const CoordinatorError&) {
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
    Doing doing(run_, lease, Stage::kModel);
    const UnitRunner::Hooks hooks{
        .cancelled = [&] { return stopping() || heartbeats_.revoked(lease); },
        .samples_started =
            [&](std::span<const std::string> samples) {
              doing.come_to(samples);
            },
        .sample_finished = [&] { heartbeats_.sample_done(lease); }};
    const bool done = attempt(lease, doing, [&] {
      result = runner_.run(held.prepared.get(), lease.alone, hooks);
    });
    if (!done) return;
  }
  await_store();
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
  const Doing doing(run_, lease, Stage::kStore);
  const storage::Unit& unit = manifest_.units.at(lease.unit);
  const storage::PartHeader header{.run_id = manifest_.run_id,
                                   .dataset = unit.dataset,
                                   .unit = unit.index,
                                   .epoch = lease.token.epoch,
                                   .number = lease.token.number,
                                   .device_name = device_name_};
  const bool done = attempt(lease, doing, [&] {
    const storage::PartReceipt receipt =
        storage::write_part(run_.root(),
                            run_.part(unit.dataset, unit.index,
                                      lease.token.epoch, lease.token.number),
                            header, result);
    const std::int64_t failed =
        std::count_if(result.samples.begin(), result.samples.end(),
                      [](const storage::SampleRecord& sample) {
                        return sample.status == storage::SampleStatus::kFailed;
                      });
    const auto answer = client_.commit(
        lease, receipt,
        static_cast<std::int64_t>(result.samples.size()) - failed, failed,
        static_cast<std::int64_t>(result.token_id.size()));
    if (answer == CommitAnswer::kStale) {
      // Somebody else has the unit now; this part must not linger.
      std::filesystem::remove(run_.root() / receipt.file_name);
      spdlog::warn("unit {}: the lease had passed on; part dropped",
                   lease.unit);
    }
  });
  if (done) heartbeats_.drop(lease);
}

}  // namespace lens::worker
