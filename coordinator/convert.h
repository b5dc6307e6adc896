#pragma once

#include <chrono>

#include "coordinator/run.h"
#include "coordinator/run_snapshot.h"
#include "google/protobuf/duration.pb.h"
#include "lens/v1/coordinator.pb.h"
#include "proto/lease_wire.h"

namespace lens::coordinator {

// Between the values of this folder and the messages of the wire.

using proto::from_wire;
using proto::to_wire;

WorkerIdentity from_wire(const v1::JoinRequest& request);
UnitCommit from_wire(const v1::CommitRequest& request);
// attempt and counted stay unset.
UnitFailure from_wire(const v1::FailRequest& request);
v1::Lease to_wire(const Granted& granted);
v1::LeaveReason to_wire(Outcome outcome);
v1::Status to_wire(const RunSnapshot& snapshot);

google::protobuf::Duration to_wire(std::chrono::duration<double> duration);
std::chrono::milliseconds from_wire(const google::protobuf::Duration& duration);

}  // namespace lens::coordinator
