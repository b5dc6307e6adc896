#pragma once

namespace lens::proto {

// Keeps gRPC's own lines out of logs and terminals, whatever GRPC_TRACE and
// GRPC_VERBOSITY ask for: a trace spells the token, and every stranger that
// knocks is an error to gRPC. What fails is told by the status of a call. A
// failed assertion alone, after which gRPC ends the process, goes to stderr.
void silence_grpc();

}  // namespace lens::proto
