#include "coordinator/service.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "lens/v1/coordinator.grpc.pb.h"
#include "proto/certificate.h"
#include "proto/channel.h"
#include "proto/security.h"
#include "tests/coordinator/run_on_disk.h"
#include "tests/coordinator/temporary_directory.h"

namespace lens::coordinator {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

// A coordinator with real mutual TLS on the loopback interface.
class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override { start(false); }
  void start(bool insecure) {
    run_.reset();
    run_.emplace(directory_.path(), RunSettings{.units = 3});
    run_->serve(insecure);
    auto connection = proto::connect(directory_.path());
    ASSERT_TRUE(connection.ok()) << connection.status();
    connection_ = *std::move(connection);
    stub_ = v1::Coordinator::NewStub(connection_.channel);
  }
  std::unique_ptr<grpc::ClientContext> context() const {
    auto context = std::make_unique<grpc::ClientContext>();
    connection_.authorize(*context);
    context->set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(5));
    return context;
  }
  v1::Status status() {
    v1::Status status;
    const auto answered = stub_->GetStatus(context().get(), {}, &status);
    EXPECT_TRUE(answered.ok()) << answered.error_message();
    return status;
  }
  std::uint64_t join() {
    v1::JoinRequest request;
    request.set_run_id(kRunId);
    request.set_host("node");
    request.set_pid(++pid_);
    request.set_device_name("CPU");
    v1::JoinResponse response;
    EXPECT_TRUE(stub_->Join(context().get(), request, &response).ok());
    return response.worker_id();
  }
  v1::AcquireResponse acquire(std::uint64_t worker) {
    v1::AcquireRequest request;
    request.set_worker_id(worker);
    v1::AcquireResponse response;
    EXPECT_TRUE(stub_->Acquire(context().get(), request, &response).ok());
    return response;
  }
  v1::CommitRequest commit_of(const v1::Lease& lease) const {
    Lease granted;
    granted.unit = UnitIndex{lease.unit()};
    granted.token = {lease.token().epoch(), lease.token().number()};
    const UnitCommit commit = run_->finished(granted);
    v1::CommitRequest request;
    *request.mutable_token() = lease.token();
    request.set_unit(lease.unit());
    request.set_part_file(commit.receipt.file_name);
    request.set_part_bytes(commit.receipt.bytes);
    request.set_content_sha256(commit.receipt.content_sha256);
    request.set_samples_ok(commit.samples_ok);
    request.set_samples_failed(commit.samples_failed);
    request.set_tokens(commit.tokens);
    return request;
  }
  grpc::StatusCode commit(const v1::CommitRequest& request) {
    v1::CommitResponse response;
    return stub_->Commit(context().get(), request, &response).error_code();
  }
  // What a client with these credentials gets for GetStatus.
  grpc::StatusCode try_with(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials,
      const std::string& authorization) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    if (!connection_.address.insecure) {
      arguments.SetSslTargetNameOverride(proto::kServerName);
    }
    const auto stub = v1::Coordinator::NewStub(grpc::CreateCustomChannel(
        connection_.address.target(), credentials, arguments));
    grpc::ClientContext call;
    if (!authorization.empty()) {
      call.AddMetadata("authorization", authorization);
    }
    call.set_deadline(std::chrono::system_clock::now() +
                      std::chrono::seconds(2));
    v1::Status ignored;
    return stub->GetStatus(&call, {}, &ignored).error_code();
  }
  proto::Credentials credentials() const {
    return *proto::read_client_credentials(directory_.path() / ".auth");
  }
  static std::shared_ptr<grpc::ChannelCredentials> tls(
      const proto::Credentials& credentials) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = credentials.authority;
    options.pem_cert_chain = credentials.certificate;
    options.pem_private_key = credentials.private_key;
    return grpc::SslCredentials(options);
  }

  TemporaryDirectory directory_;
  std::optional<RunOnDisk> run_;
  proto::Connection connection_;
  std::unique_ptr<v1::Coordinator::Stub> stub_;
  int pid_ = 0;
};

TEST_F(ServiceTest, UnitGoesFromAcquireToCommitAndIntoTheStatus) {
  const std::uint64_t worker = join();
  const v1::AcquireResponse answer = acquire(worker);
  ASSERT_TRUE(answer.has_lease());
  EXPECT_EQ(answer.lease().unit(), 0);
  EXPECT_EQ(answer.lease().token().epoch(), 1u);

  v1::Status before = status();
  EXPECT_EQ(before.units_leased(), 1);
  EXPECT_EQ(before.workers(0).units(0), 0);

  EXPECT_EQ(commit(commit_of(answer.lease())), grpc::StatusCode::OK);
  const v1::Status after = status();
  EXPECT_EQ(after.state(), v1::RUN_STATE_RUNNING);
  EXPECT_EQ(after.run_id(), kRunId);
  EXPECT_EQ(after.units_total(), 3);
  EXPECT_EQ(after.units_committed(), 1);
  ASSERT_EQ(after.datasets_size(), 2);
  EXPECT_EQ(after.datasets(0).name(), "mtvqa");
  EXPECT_EQ(after.datasets(0).total(), 8);
  EXPECT_EQ(after.datasets(0).done(), 4);
  EXPECT_EQ(after.datasets(0).failed(), 1);
  EXPECT_EQ(after.workers(0).samples_done(), 4);
  EXPECT_THAT(after.message(), HasSubstr("1 of 3 units committed"));
}

TEST_F(ServiceTest, CommitRepeatedIsOkAndAStaleOneIsNot) {
  const v1::CommitRequest request = commit_of(acquire(join()).lease());
  EXPECT_EQ(commit(request), grpc::StatusCode::OK);
  EXPECT_EQ(commit(request), grpc::StatusCode::OK);
  v1::CommitRequest stale = request;
  stale.mutable_token()->set_number(999);
  EXPECT_EQ(commit(stale), grpc::StatusCode::FAILED_PRECONDITION);
  stale = request;
  stale.mutable_token()->set_epoch(0);
  EXPECT_EQ(commit(stale), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ServiceTest, UnknownWorkerIsToldToJoinAgain) {
  v1::AcquireRequest request;
  request.set_worker_id(12345);
  v1::AcquireResponse response;
  EXPECT_EQ(stub_->Acquire(context().get(), request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServiceTest, StrangersAreNotServed) {
  const std::string token = proto::bearer(credentials().token);
  const auto unavailable = grpc::StatusCode::UNAVAILABLE;

  proto::Credentials no_certificate = credentials();
  no_certificate.certificate = no_certificate.private_key = "";
  EXPECT_EQ(try_with(tls(no_certificate), token), unavailable);

  const auto foreign = proto::make_certificates();
  ASSERT_TRUE(foreign.ok());
  proto::Credentials other_run = credentials();
  other_run.certificate = foreign->client.certificate;
  other_run.private_key = foreign->client.private_key;
  EXPECT_EQ(try_with(tls(other_run), token), unavailable);

  EXPECT_EQ(try_with(grpc::InsecureChannelCredentials(), token), unavailable);

  EXPECT_EQ(try_with(tls(credentials()), ""),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(try_with(tls(credentials()), "Bearer " + std::string(64, '0')),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(try_with(tls(credentials()), token), grpc::StatusCode::OK);
}

TEST_F(ServiceTest, CertificateOfAClientCannotPoseAsTheCoordinator) {
  // The client's own check: another authority's server is refused.
  const auto foreign = proto::make_certificates();
  ASSERT_TRUE(foreign.ok());
  proto::Credentials deceived = credentials();
  deceived.authority = foreign->authority;
  EXPECT_EQ(try_with(tls(deceived), proto::bearer(credentials().token)),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServiceTest, RandomBytesDoNoHarm) {
  std::minstd_rand random(1);
  for (int connection = 0; connection < 30; ++connection) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(connection_.address.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address),
                        sizeof(address)),
              0);
    std::string bytes(2000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_GT(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    ::close(socket);
  }
  EXPECT_EQ(status().units_total(), 3);
}

// Asks grpc.health.v1 without its generated code: service = "lens.v1...." as
// request bytes, status = SERVING as response bytes.
grpc::StatusCode check_health(const proto::Connection& connection,
                              bool with_token, std::string& answer) {
  const std::string name = v1::Coordinator::service_full_name();
  const grpc::Slice bytes(std::string("\x0a") + static_cast<char>(name.size()) +
                          name);
  grpc::ClientContext context;
  if (with_token) connection.authorize(context);
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(5));
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(connection.channel);
  const auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check",
                            grpc::ByteBuffer(&bytes, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool finished = false;
  queue.Next(&tag, &finished);
  std::vector<grpc::Slice> slices;
  response.Dump(&slices);
  answer.clear();
  for (const grpc::Slice& slice : slices) {
    answer.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return status.error_code();
}

TEST_F(ServiceTest, HealthIsServedToThoseWithTheToken) {
  std::string answer;
  EXPECT_EQ(check_health(connection_, true, answer), grpc::StatusCode::OK);
  EXPECT_EQ(answer, "\x08\x01");
  EXPECT_EQ(check_health(connection_, false, answer),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(ServiceTest, WatchStatusSendsNowAndOnChange) {
  v1::WatchStatusRequest request;
  request.mutable_interval()->set_nanos(100'000'000);
  const auto call = context();
  const auto reader = stub_->WatchStatus(call.get(), request);
  v1::Status seen;
  ASSERT_TRUE(reader->Read(&seen));
  EXPECT_EQ(seen.units_leased(), 0);
  acquire(join());
  while (seen.units_leased() == 0) ASSERT_TRUE(reader->Read(&seen));
  call->TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(ServiceTest, WatchStatusEndsWithTheCoordinator) {
  const auto call = context();
  const auto reader = stub_->WatchStatus(call.get(), {});
  v1::Status seen;
  ASSERT_TRUE(reader->Read(&seen));
  std::jthread end([&] { run_.reset(); });
  while (reader->Read(&seen)) {
  }
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(ServiceTest, DrainTellsWorkersToLeave) {
  const std::uint64_t worker = join();
  v1::DrainResponse response;
  ASSERT_TRUE(stub_->Drain(context().get(), {}, &response).ok());
  EXPECT_EQ(acquire(worker).leave().reason(), v1::LEAVE_REASON_DRAINING);
  EXPECT_TRUE(status().draining());
}

TEST_F(ServiceTest, AddressFileGoesWithTheServer) {
  const auto file = directory_.path() / "coordinator.json";
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_EQ(connection_.address.host, "127.0.0.1");
  EXPECT_EQ(connection_.address.epoch, 1u);
  run_.reset();
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(ServiceTest, InsecureLoopbackStillAsksForTheToken) {
  start(true);
  EXPECT_EQ(status().units_total(), 3);
  EXPECT_EQ(try_with(grpc::InsecureChannelCredentials(), ""),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(ServiceTest, InsecureBeyondLoopbackIsRefused) {
  Server::Options options;
  options.run_directory = directory_.path();
  options.bind = "0.0.0.0";
  options.insecure = true;
  const auto server = Server::start(options, **run_);
  EXPECT_TRUE(absl::IsInvalidArgument(server.status())) << server.status();
}

TEST_F(ServiceTest, InterfaceNamesCanBeBoundTo) {
  Server::Options options;
  options.run_directory = directory_.path();
  options.run_id = kRunId;
  options.bind = "lo";
  const auto server = Server::start(options, **run_);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->address().host, "127.0.0.1");
}

}  // namespace
}  // namespace lens::coordinator
