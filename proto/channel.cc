#include "proto/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <utility>

#include "proto/certificate.h"
#include "proto/grpc_process.h"
#include "proto/security.h"
#include "storage/run_directory.h"

namespace lens::proto {
namespace {

grpc::ChannelArguments channel_arguments(std::chrono::milliseconds attempt) {
  grpc::ChannelArguments arguments;
  // Pings find a dead host within 40 s; the server allows one every 20 s.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A coordinator that restarts is back within seconds. The least is also what
  // one attempt may take.
  const int least = static_cast<int>(std::max(attempt, kLeastAttempt).count());
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, least);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, least);
  // Clusters often set http_proxy for the world outside; the run is inside.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // A new channel must not find the connection of an old certificate.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(64 << 20);  // status of many workers
  return arguments;
}

}  // namespace

void Connection::authorize(grpc::ClientContext& context) const {
  context.AddMetadata("authorization", bearer(token));
}

absl::StatusOr<Connection> connect(const std::filesystem::path& run_directory) {
  const auto address =
      read_address(storage::RunDirectory(run_directory).address());
  if (!address.ok()) return address.status();
  return connect(run_directory, *address);
}

absl::StatusOr<Connection> connect(const std::filesystem::path& run_directory,
                                   const CoordinatorAddress& address,
                                   std::chrono::milliseconds attempt) {
  prepare_grpc();
  const storage::RunDirectory run(run_directory);
  // Invariant: the token goes through TLS or stays on this host.
  if (address.insecure && !is_loopback(address.host)) {
    return absl::FailedPreconditionError(
        "cannot send the run's token to " + address.target() + " (" +
        run.address().string() +
        " asks for a connection without TLS to another host); remove the file "
        "and start the run again");
  }
  auto credentials = read_client_credentials(run.auth());
  if (!credentials.ok()) return credentials.status();

  grpc::ChannelArguments arguments = channel_arguments(attempt);
  std::shared_ptr<grpc::ChannelCredentials> channel_credentials;
  if (address.insecure) {
    channel_credentials = grpc::InsecureChannelCredentials();
  } else {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = credentials->authority;
    tls.pem_cert_chain = credentials->certificate;
    tls.pem_private_key = credentials->private_key;
    channel_credentials = grpc::SslCredentials(tls);
    // The certificate is made before the host that will run is known: its name
    // is that of the role.
    arguments.SetSslTargetNameOverride(kServerName);
  }
  Connection connection;
  connection.channel = grpc::CreateCustomChannel(
      address.target(), channel_credentials, arguments);
  connection.address = address;
  connection.token = std::move(credentials->token);
  return connection;
}

}  // namespace lens::proto
