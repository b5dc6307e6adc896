#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/listener.h"
#include "coordinator/run.h"
#include "coordinator/service.h"
#include "proto/address.h"

namespace lens::coordinator {

// Serves a run: mutual TLS (or loopback without, where asked for), the health
// service, reflection where asked for and built in, and the address file.
// Strangers that hold connections open take no descriptor that the run needs,
// and cannot stop it from listening.
class Server {
 public:
  struct Options {
    std::filesystem::path run_directory;
    std::string run_id;
    std::string bind = "127.0.0.1";
    bool insecure =
        false;  // without TLS; refused beyond the loopback interface
    bool reflection = false;
    // Told when connections are turned away.
    std::function<void(const std::string&)> log = {};
  };

  // Raises the limit of open files, makes the credentials where there are none
  // that can be used, listens at a free port, sees that it can be reached there
  // and places coordinator.json. One line where something fails.
  static absl::StatusOr<std::unique_ptr<Server>> start(const Options& options,
                                                       Run& run);
  // Removes coordinator.json, ends the streams and the calls under way.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const proto::CoordinatorAddress& address() const { return address_; }

 private:
  Server(const Options& options, Run& run, std::string token);

  const Options options_;
  Run& run_;
  Service service_;
  proto::CoordinatorAddress address_;
  // Hands the listener's connections to the server; must outlive it.
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace lens::coordinator
