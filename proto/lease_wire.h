#pragma once

#include "lens/v1/coordinator.pb.h"
#include "storage/lease.h"

namespace lens::proto {

// Between the values that both ends know and the messages of the wire.

storage::LeaseToken from_wire(const v1::LeaseToken& token);
v1::LeaseToken to_wire(storage::LeaseToken token);

// A class that this program does not know is of a worker that gave the unit
// back.
storage::FailureClass from_wire(v1::FailureClass failure_class);
v1::FailureClass to_wire(storage::FailureClass failure_class);

}  // namespace lens::proto
