#include "worker/loop.h"

#include <spdlog/spdlog.h>

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
  std::unique_ptr<Held> next;
  while (!stopping()) {
    if (!current) current = take_lease(/*may_wait=*/true);
    if (!current) break;
    // The source serves one unit at a time: the images of this one are ready
    // before those of the next are begun.
    if (!current->prepared.valid()) prepare(*current);
    current->prepared.wait();
    next = take_lease(/*may_wait=*/false);
    if (next) prepare(*next);
    work_on(*current);
    current = std::move(next);
  }
  if (current) release(*current, "the worker was asked to leave");
  if (stopping()) return LoopEnd::kDrained;
  return end_.value_or(LoopEnd::kComplete);
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
// coordinator, which decides; the process goes on where it can.
void WorkLoop::work_on(Held& held) {
  const Lease& lease = held.lease;
  Doing doing(run_, lease, Stage::kModel);
  const auto fail = [&](FailureClass failure, const std::string& reason) {
    spdlog::error("unit {}: {}", lease.unit, reason);
    client_.fail(lease, failure, doing.sample(), reason);
  };
  try {
    finish(lease, held.prepared.get(), doing);
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
}

void WorkLoop::finish(const Lease& lease, PreparedUnit prepared, Doing& doing) {
  const storage::Unit unit = prepared.unit;
  const UnitRunner::Hooks hooks{
      .cancelled = [&] { return stopping() || heartbeats_.revoked(lease); },
      .samples_started =
          [&](std::span<const std::string> samples) { doing.come_to(samples); },
      .sample_finished = [&] { heartbeats_.sample_done(lease); }};
  const storage::UnitResult result =
      runner_.run(std::move(prepared), lease.alone, hooks);
  doing.come_to({});

  const storage::PartHeader header{.run_id = manifest_.run_id,
                                   .dataset = unit.dataset,
                                   .unit = unit.index,
                                   .epoch = lease.token.epoch,
                                   .number = lease.token.number,
                                   .device_name = device_name_};
  const storage::PartReceipt receipt =
      storage::write_part(run_.root(),
                          run_.part(unit.dataset, unit.index, lease.token.epoch,
                                    lease.token.number),
                          header, result);
  std::int64_t failed = 0;
  for (const storage::SampleRecord& sample : result.samples) {
    failed += sample.status == storage::SampleStatus::kFailed ? 1 : 0;
  }
  const auto samples = static_cast<std::int64_t>(result.samples.size());
  const auto answer =
      client_.commit(lease, receipt, samples - failed, failed,
                     static_cast<std::int64_t>(result.token_id.size()));
  if (answer == CommitAnswer::kStale) {
    // Somebody else has the unit now; this part must not linger.
    std::filesystem::remove(run_.root() / receipt.file_name);
    spdlog::warn("unit {}: the lease had passed on; part dropped", lease.unit);
  }
}

}  // namespace lens::worker
