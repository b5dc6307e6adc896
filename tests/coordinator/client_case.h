#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/coordinator/run_on_disk.h"
#include "tests/coordinator/temporary_directory.h"
#include "worker/client.h"

namespace lens::worker {

// Clients of a coordinator that comes and goes.
class ClientTest : public ::testing::Test {
 protected:
  void start(const coordinator::RunSettings& settings = {}) {
    stop();
    run_.emplace(directory_.path(), settings);
    run_->serve();
  }
  void stop() { run_.reset(); }
  std::unique_ptr<Client> connect(int pid = 1, ClientOptions options = {}) {
    WorkerIdentity identity;
    identity.host = "node";
    identity.pid = pid;
    return std::make_unique<Client>(storage::RunDirectory(directory_.path()),
                                    coordinator::kRunId, identity, options);
  }
  CommitAnswer commit(Client& client, const Lease& lease) {
    const std::string dataset = lease.unit % 2 == 0 ? "mtvqa" : "latex_ocr";
    const auto receipt =
        coordinator::write_part_file(directory_.path(), dataset, lease.unit,
                                     {lease.token.epoch, lease.token.number});
    return client.commit(lease, receipt, coordinator::kSamplesOfUnit, 0, 9);
  }
  static Lease lease_of(const AcquireAnswer& answer) {
    const auto* lease = std::get_if<Lease>(&answer);
    EXPECT_NE(lease, nullptr);
    return lease != nullptr ? *lease : Lease{};
  }
  static HeartbeatAnswer beat(Client& client, const Lease& lease) {
    const std::vector<LeaseProgress> leases = {{lease.token, lease.unit, 1}};
    return client.heartbeat(leases);
  }

  coordinator::TemporaryDirectory directory_;
  std::optional<coordinator::RunOnDisk> run_;
};

}  // namespace lens::worker
