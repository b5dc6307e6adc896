#include "proto/lease_wire.h"

namespace lens::proto {
namespace {

using storage::FailureClass;

// Values are the same on both sides (storage/lease.h); the wire may know more.
static_assert(static_cast<int>(FailureClass::kLost) == v1::FAILURE_CLASS_LOST);
static_assert(static_cast<int>(FailureClass::kCrash) ==
              v1::FAILURE_CLASS_CRASH);
static_assert(static_cast<int>(FailureClass::kOutOfMemory) ==
              v1::FAILURE_CLASS_OUT_OF_MEMORY);
static_assert(static_cast<int>(FailureClass::kCheck) ==
              v1::FAILURE_CLASS_CHECK);
static_assert(static_cast<int>(FailureClass::kStore) ==
              v1::FAILURE_CLASS_STORE);
static_assert(static_cast<int>(FailureClass::kKilled) ==
              v1::FAILURE_CLASS_KILLED);
static_assert(static_cast<int>(FailureClass::kInput) ==
              v1::FAILURE_CLASS_INPUT);

}  // namespace

storage::LeaseToken from_wire(const v1::LeaseToken& token) {
  return {token.epoch(), token.number()};
}

v1::LeaseToken to_wire(storage::LeaseToken token) {
  v1::LeaseToken wire;
  wire.set_epoch(token.epoch);
  wire.set_number(token.number);
  return wire;
}

FailureClass from_wire(v1::FailureClass failure_class) {
  if (failure_class < v1::FAILURE_CLASS_LOST ||
      failure_class > v1::FAILURE_CLASS_INPUT) {
    return FailureClass::kLost;
  }
  return static_cast<FailureClass>(failure_class);
}

v1::FailureClass to_wire(FailureClass failure_class) {
  return static_cast<v1::FailureClass>(failure_class);
}

}  // namespace lens::proto
