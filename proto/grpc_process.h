#pragma once

namespace lens::proto {

// What gRPC does to the process as a whole. To be called before the first
// channel or server is made; again as often as one likes.
//
// Keeps gRPC's own lines out of logs and terminals, whatever GRPC_TRACE and
// GRPC_VERBOSITY ask for: a trace spells the token, and every stranger that
// knocks is an error to gRPC. What fails is told by the status of a call. A
// failed assertion alone, after which gRPC ends the process, goes to stderr.
//
// Ends the search for cycles of locks, which Debian's Abseil was built with and
// which goes through a graph of its own each time that gRPC takes a second
// lock.
void prepare_grpc();

}  // namespace lens::proto
