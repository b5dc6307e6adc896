#include "proto/grpc_log.h"

#include <grpc/support/log.h>

namespace lens::proto {

void silence_grpc() {
  gpr_set_log_function([](gpr_log_func_args*) {});
}

}  // namespace lens::proto
