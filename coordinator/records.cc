#include "coordinator/records.h"

#include <array>
#include <utility>

namespace lens::coordinator {
namespace {

constexpr std::array<std::pair<RunState, std::string_view>, 5> kStateNames = {{
    {RunState::kRunning, "running"},
    {RunState::kMerging, "merging"},
    {RunState::kComplete, "complete"},
    {RunState::kInterrupted, "interrupted"},
    {RunState::kFailed, "failed"},
}};

}  // namespace

std::string_view run_state_name(RunState state) {
  for (const auto& [value, name] : kStateNames) {
    if (value == state) return name;
  }
  return "unknown";
}

std::optional<RunState> run_state_from_name(std::string_view name) {
  for (const auto& [value, known] : kStateNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::string_view failure_class_name(FailureClass failure_class) {
  switch (failure_class) {
    case FailureClass::kLost:
      return "lost";
    case FailureClass::kCrash:
      return "crash";
    case FailureClass::kOutOfMemory:
      return "out of memory";
    case FailureClass::kCheck:
      return "check";
    case FailureClass::kStore:
      return "store";
    case FailureClass::kKilled:
      return "killed";
    case FailureClass::kInput:
      return "input";
  }
  return "unknown";
}

}  // namespace lens::coordinator
