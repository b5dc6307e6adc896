#include "coordinator/convert.h"

#include <algorithm>
#include <cmath>

#include "base/storable_text.h"

namespace lens::coordinator {
namespace {

// Text is made storable: crash notes may hold any bytes, and a message with
// others than UTF-8 cannot be read by its receiver.

v1::RunState wire_state(RunState state) {
  switch (state) {
    case RunState::kRunning:
      return v1::RUN_STATE_RUNNING;
    case RunState::kMerging:
      return v1::RUN_STATE_MERGING;
    case RunState::kComplete:
      return v1::RUN_STATE_COMPLETE;
    case RunState::kInterrupted:
      return v1::RUN_STATE_INTERRUPTED;
    case RunState::kFailed:
      return v1::RUN_STATE_FAILED;
  }
  return v1::RUN_STATE_UNSPECIFIED;
}

void fill(const WorkerSnapshot& worker, v1::WorkerStatus& status) {
  status.set_worker_id(static_cast<std::uint64_t>(worker.id));
  status.set_host(worker.identity.host);
  status.set_pid(worker.identity.pid);
  status.set_rank(worker.identity.rank);
  status.set_device_name(worker.identity.device_name);
  *status.mutable_since_heartbeat() = to_wire(worker.since_heartbeat);
  for (const UnitIndex unit : worker.units) status.add_units(to_int(unit));
  status.set_samples_done(worker.samples_committed);
}

void fill(const UnitFailure& failure, v1::UnitFailure& status) {
  status.set_unit(to_int(failure.unit));
  status.set_attempt(failure.attempt);
  status.set_failure_class(to_wire(failure.failure_class));
  status.set_sample_id(storable_text(failure.sample_id));
  status.set_reason(storable_text(failure.reason));
}

}  // namespace

WorkerIdentity from_wire(const v1::JoinRequest& request) {
  return {.host = request.host(),
          .pid = request.pid(),
          .instance = request.instance(),
          .process = process_from_text(request.process()),
          .rank = request.rank(),
          .world_size = request.world_size(),
          .device_name = request.device_name(),
          .software_version = request.software_version()};
}

UnitCommit from_wire(const v1::CommitRequest& request) {
  return {.unit = UnitIndex{request.unit()},
          .token = from_wire(request.token()),
          .receipt = {.file_name = request.part_file(),
                      .bytes = request.part_bytes(),
                      .content_sha256 = request.content_sha256()},
          .samples_ok = request.samples_ok(),
          .samples_failed = request.samples_failed(),
          .tokens = request.tokens()};
}

UnitFailure from_wire(const v1::FailRequest& request) {
  return {.unit = UnitIndex{request.unit()},
          .token = from_wire(request.token()),
          .attempt = 0,
          .failure_class = from_wire(request.failure_class()),
          .sample_id = request.sample_id(),
          .reason = request.reason(),
          .counted = false};
}

v1::Lease to_wire(const Granted& granted) {
  v1::Lease wire;
  *wire.mutable_token() = to_wire(granted.lease.token);
  wire.set_unit(to_int(granted.lease.unit));
  wire.set_attempt(granted.lease.attempt);
  wire.set_alone(granted.alone);
  for (const QuarantinedSample& sample : granted.quarantined) {
    v1::QuarantinedSample* const entry = wire.add_quarantined();
    entry->set_sample_id(storable_text(sample.sample_id));
    entry->set_reason(storable_text(sample.reason));
  }
  return wire;
}

v1::LeaveReason to_wire(Outcome outcome) {
  switch (outcome) {
    case Outcome::kComplete:
      return v1::LEAVE_REASON_COMPLETE;
    case Outcome::kDrained:
      return v1::LEAVE_REASON_DRAINING;
    case Outcome::kFailed:
      return v1::LEAVE_REASON_FAILED;
  }
  return v1::LEAVE_REASON_UNSPECIFIED;
}

v1::Status to_wire(const RunSnapshot& snapshot) {
  v1::Status status;
  status.set_state(wire_state(snapshot.state));
  status.set_run_id(snapshot.run_id);
  status.set_epoch(snapshot.epoch);
  status.set_software_version(snapshot.software_version);
  for (const auto& [name, counts] : snapshot.datasets) {
    v1::DatasetStatus* const dataset = status.add_datasets();
    dataset->set_name(name);
    dataset->set_total(counts.total);
    dataset->set_done(counts.done);
    dataset->set_failed(counts.failed);
  }
  for (const WorkerSnapshot& worker : snapshot.workers) {
    fill(worker, *status.add_workers());
  }
  status.set_tensor_parallel(snapshot.tensor_parallel);
  status.set_samples_per_second(snapshot.samples_per_second);
  if (snapshot.eta) *status.mutable_eta() = to_wire(*snapshot.eta);
  status.set_units_total(snapshot.units_total);
  status.set_units_committed(snapshot.units_committed);
  status.set_units_leased(snapshot.units_leased);
  for (const UnitFailure& failure : snapshot.failures) {
    fill(failure, *status.add_failures());
  }
  if (snapshot.oldest_lease) {
    *status.mutable_oldest_lease() = to_wire(*snapshot.oldest_lease);
  }
  status.set_draining(snapshot.draining);
  *status.mutable_uptime() = to_wire(snapshot.uptime);
  status.set_message(storable_text(snapshot.message));
  return status;
}

google::protobuf::Duration to_wire(std::chrono::duration<double> duration) {
  google::protobuf::Duration wire;
  const double whole = std::floor(duration.count());
  wire.set_seconds(static_cast<std::int64_t>(whole));
  wire.set_nanos(static_cast<std::int32_t>((duration.count() - whole) * 1e9));
  return wire;
}

std::chrono::milliseconds from_wire(
    const google::protobuf::Duration& duration) {
  // A day is for ever here, and keeps the sum in range.
  const std::int64_t seconds =
      std::clamp<std::int64_t>(duration.seconds(), 0, 86'400);
  return std::chrono::seconds(seconds) +
         std::chrono::milliseconds(std::max(0, duration.nanos()) / 1'000'000);
}

}  // namespace lens::coordinator
