#include "coordinator/server.h"

#include <dlfcn.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/server_credentials.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <utility>

#include "coordinator/bind_address.h"
#include "coordinator/descriptor_limit.h"
#include "proto/grpc_process.h"
#include "proto/security.h"
#include "storage/run_directory.h"

namespace lens::coordinator {
namespace {

constexpr int kMaxMessageBytes = 1 << 20;  // a heartbeat of 10,000 leases fits
constexpr int kMaxMetadataBytes = 8 << 10;
constexpr int kMaxStreamsPerConnection = 128;
constexpr int kHandshakeMs = 10'000;
constexpr int kFastestPingMs = 20'000;  // clients ping every 30 s
// Connections of hosts that have vanished are found within the sum.
constexpr int kPingMs = 60'000;
constexpr int kPingTimeoutMs = 20'000;
constexpr auto kReachable = std::chrono::seconds(5);
constexpr int kMaxThreads = 512;
constexpr std::size_t kMaxMemory = std::size_t{2} << 30;
constexpr auto kShutdown = std::chrono::milliseconds(500);

// Checks the token of every service of the server, health and reflection
// included, before a handler is chosen.
class TokenCheck final : public grpc::AuthMetadataProcessor {
 public:
  explicit TokenCheck(std::string token) : token_(std::move(token)) {}

  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext*,
                       OutputMetadata*, OutputMetadata*) override {
    if (proto::is_authorized(authorization_of(metadata), token_)) {
      return grpc::Status::OK;
    }
    return no_valid_token();
  }

 private:
  const std::string token_;
};

// Strangers fail in the handshake, before their HTTP/2 is parsed.
std::shared_ptr<grpc::ServerCredentials> tls(
    const proto::Credentials& credentials) {
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = credentials.authority;
  options.pem_key_cert_pairs.push_back(
      {credentials.private_key, credentials.certificate});
  auto server = grpc::SslServerCredentials(options);
  server->SetAuthMetadataProcessor(
      std::make_shared<TokenCheck>(credentials.token));
  return server;
}

void set_limits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             kHandshakeMs);
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kFastestPingMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kPingMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingTimeoutMs);
  grpc::ResourceQuota quota("lens-coordinator");
  quota.SetMaxThreads(kMaxThreads);
  quota.Resize(kMaxMemory);
  builder.SetResourceQuota(quota);
}

absl::StatusOr<std::unique_ptr<Listener>> listen(const Server::Options& options,
                                                 const std::string& host) {
  auto listener = Listener::open({.host = host, .log = options.log});
  if (listener.ok()) return listener;
  return absl::UnavailableError(
      "cannot listen at " + host + " (" +
      std::string(listener.status().message()) +
      "); give --bind an address or a network interface of this machine");
}

// Workers that wait for a coordinator which nobody can reach wait in vain.
absl::Status check_own_address(const proto::CoordinatorAddress& address) {
  const auto reachable =
      check_reachable(address.host, address.port, kReachable);
  if (reachable.ok()) return reachable;
  const char* const remedy =
      proto::is_loopback(address.host)
          ? "bring the loopback interface up (`ip link set lo up`)"
          : "give --bind an address or a network interface of this machine "
            "that the workers can reach";
  return absl::UnavailableError(
      "cannot reach my own address " + address.target() + " (" +
      std::string(reachable.message()) + "); " + remedy);
}

// Loading the library is what registers the service with every server built
// afterwards; it stays for the life of the process.
absl::Status enable_reflection() {
#ifdef LENS_REFLECTION
  if (::dlopen(LENS_REFLECTION, RTLD_NOW | RTLD_GLOBAL) != nullptr) {
    return absl::OkStatus();
  }
  return absl::UnimplementedError(
      std::string("cannot enable reflection (") + ::dlerror() +
      "); install gRPC's reflection library or leave out --reflection");
#else
  return absl::UnimplementedError(
      "cannot enable reflection (this build has no shared grpc++_reflection); "
      "leave out --reflection");
#endif
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::start(const Options& options,
                                                      Run& run) {
  proto::prepare_grpc();
  raise_descriptor_limit();
  const auto bind = resolve_bind(options.bind);
  if (!bind.ok()) return bind.status();
  if (options.insecure && !bind->loopback) {
    return absl::InvalidArgumentError(
        "cannot serve without TLS at " + options.bind +
        " (others could reach it); leave out --bind or --insecure-loopback");
  }
  if (options.reflection) {
    if (auto status = enable_reflection(); !status.ok()) return status;
  }
  const storage::RunDirectory directory(options.run_directory);
  if (auto status = proto::ensure_credentials(directory.auth()); !status.ok()) {
    return status;
  }
  auto credentials = proto::read_server_credentials(directory.auth());
  if (!credentials.ok()) return credentials.status();

  auto listener = listen(options, bind->listen);
  if (!listener.ok()) return listener.status();
  std::unique_ptr<Server> server(new Server(options, run, credentials->token));
  proto::CoordinatorAddress& address = server->address_;
  address.host = bind->advertise;
  address.port = (*listener)->port();
  // The system answers for a socket that listens: nobody has to serve yet.
  if (auto status = check_own_address(address); !status.ok()) return status;

  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  set_limits(builder);
  builder.RegisterService(&server->service_);
  server->acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      options.insecure ? grpc::InsecureServerCredentials() : tls(*credentials));
  server->server_ = builder.BuildAndStart();
  if (!server->server_) {
    return absl::UnavailableError(
        "cannot serve at " + address.target() +
        " (gRPC does not start; its reason is not known); see `ulimit -a` for "
        "a limit of threads or memory that is too low");
  }
  server->server_->GetHealthCheckService()->SetServingStatus(
      v1::Coordinator::service_full_name(), true);
  server->listener_ = *std::move(listener);
  server->listener_->start(
      [&acceptor = *server->acceptor_](int listening, int connection) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
            parameters;
        parameters.listener_fd = listening;
        parameters.fd = connection;
        acceptor.HandleNewConnection(&parameters);
      });
  // Last: whoever reads it may call.
  if (auto status = proto::write_address(directory.address(), address);
      !status.ok()) {
    return status;
  }
  return server;
}

Server::Server(const Options& options, Run& run, std::string token)
    : options_(options),
      run_(run),
      service_(run, std::move(token)),
      address_{.host = "",
               .port = 0,
               .run_id = options.run_id,
               .epoch = run.epoch(),
               .pid = ::getpid(),
               .insecure = options.insecure} {}

Server::~Server() {
  const storage::RunDirectory directory(options_.run_directory);
  // Before the address goes: a worker that finds neither waits for the next
  // coordinator.
  if (run_.outcome() == Outcome::kComplete) {
    proto::mark_complete(directory.complete(), options_.run_id);
  }
  proto::remove_address(directory.address(), address_);
  // Streams hold threads of the server until they end.
  run_.dismiss_watchers();
  if (listener_) listener_->stop();
  if (server_) server_->Shutdown(std::chrono::system_clock::now() + kShutdown);
}

}  // namespace lens::coordinator
