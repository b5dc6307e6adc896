#include "proto/grpc_process.h"

#include <grpc/support/log.h>

#include <cstdio>
#include <string_view>

#include "absl/synchronization/mutex.h"

namespace lens::proto {

void prepare_grpc() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  gpr_set_log_function([](gpr_log_func_args* line) {
    const std::string_view text = line->message;
    if (!text.starts_with("assertion failed")) return;
    std::fprintf(stderr,
                 "gRPC has to end the process (%s, %s:%d); see `ulimit -a` for "
                 "a limit of threads or memory that is too low\n",
                 line->message, line->file, line->line);
  });
}

}  // namespace lens::proto
