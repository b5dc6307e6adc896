#pragma once

#include <atomic>
#include <string>

#include "coordinator/run.h"
#include "lens/v1/coordinator.grpc.pb.h"

namespace lens::coordinator {

// The gRPC skin of a run: translates messages and codes, decides nothing.
// Every call is checked for the token; no exception leaves a handler.
class Service final : public v1::Coordinator::Service {
 public:
  Service(Run& run, std::string token);

  grpc::Status Join(grpc::ServerContext* context,
                    const v1::JoinRequest* request,
                    v1::JoinResponse* response) override;
  grpc::Status Acquire(grpc::ServerContext* context,
                       const v1::AcquireRequest* request,
                       v1::AcquireResponse* response) override;
  grpc::Status Heartbeat(grpc::ServerContext* context,
                         const v1::HeartbeatRequest* request,
                         v1::HeartbeatResponse* response) override;
  grpc::Status Commit(grpc::ServerContext* context,
                      const v1::CommitRequest* request,
                      v1::CommitResponse* response) override;
  grpc::Status Fail(grpc::ServerContext* context,
                    const v1::FailRequest* request,
                    v1::FailResponse* response) override;
  grpc::Status GetStatus(grpc::ServerContext* context,
                         const v1::GetStatusRequest* request,
                         v1::Status* response) override;
  grpc::Status WatchStatus(grpc::ServerContext* context,
                           const v1::WatchStatusRequest* request,
                           grpc::ServerWriter<v1::Status>* writer) override;
  grpc::Status Drain(grpc::ServerContext* context,
                     const v1::DrainRequest* request,
                     v1::DrainResponse* response) override;

 private:
  // Checks the token, runs `body`, turns what it returns or throws into a code.
  template <typename Body>
  grpc::Status answer(const grpc::ServerContext& context, Body body);

  Run& run_;
  const std::string token_;
  std::atomic<int> watchers_ = 0;
};

// The answer to a call without the token of the run.
grpc::Status no_valid_token();

// "authorization" of a call; empty where it is missing.
std::string authorization_of(
    const std::multimap<grpc::string_ref, grpc::string_ref>& metadata);

}  // namespace lens::coordinator
