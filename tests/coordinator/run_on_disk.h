#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "coordinator/ledger.h"
#include "coordinator/run.h"
#include "coordinator/server.h"
#include "storage/manifest.h"
#include "storage/run_directory.h"

namespace lens::coordinator {

inline constexpr char kRunId[] = "0123456789abcdef0123456789abcdef";
inline constexpr int kSamplesOfUnit = 4;

// `units` units of four samples, alternately of two data sets.
inline storage::Manifest manifest_of(int units) {
  storage::Manifest manifest;
  manifest.run_id = kRunId;
  for (const char* name : {"mtvqa", "latex_ocr"}) {
    manifest.datasets.emplace_back().name = name;
  }
  for (int index = 0; index < units; ++index) {
    storage::Unit& unit = manifest.units.emplace_back();
    unit.index = index;
    unit.dataset = manifest.datasets[index % 2].name;
    unit.row_begin = kSamplesOfUnit * (index / 2);
    unit.row_end = unit.row_begin + kSamplesOfUnit;
    unit.first_sample = unit.row_begin;
    unit.samples = kSamplesOfUnit;
  }
  return manifest;
}

// Stands for what a worker's storage does: a file of some bytes.
inline storage::PartReceipt write_part_file(const std::filesystem::path& root,
                                            const std::string& dataset,
                                            int unit, LeaseToken token) {
  storage::PartReceipt receipt;
  receipt.file_name = "parts/" + dataset + "/" + std::to_string(unit) + "." +
                      std::to_string(token.epoch) + "-" +
                      std::to_string(token.number) + ".h5";
  receipt.bytes = 10 + unit;
  receipt.content_sha256 = std::string(64, 'a');
  std::filesystem::create_directories(root / "parts" / dataset);
  std::ofstream(root / receipt.file_name) << std::string(receipt.bytes, 'x');
  return receipt;
}

struct RunSettings {
  int units = 4;
  std::chrono::milliseconds lease_duration{30'000};
  std::chrono::milliseconds linger{10'000};
  std::chrono::milliseconds part_patience{0};
  std::function<bool(const WorkerIdentity&)> process_gone = {};
};

// What lens-coordinator builds in main, on a directory of a test.
class RunOnDisk {
 public:
  explicit RunOnDisk(const std::filesystem::path& root,
                     const RunSettings& settings = {},
                     Clock clock = std::chrono::steady_clock::now)
      : root_(root), manifest_(manifest_of(settings.units)) {
    auto ledger = Ledger::open(storage::RunDirectory(root).ledger(),
                               {manifest_.run_id, "config"});
    if (!ledger.ok()) throw std::runtime_error(ledger.status().ToString());
    ledger_ = *std::move(ledger);
    if (!ledger_->begin_epoch(0, {}).ok()) throw std::runtime_error("epoch");
    Run::Options options;
    options.root = root;
    options.software_version = "test";
    options.lease_duration = settings.lease_duration;
    options.heartbeat_interval = std::chrono::milliseconds(100);
    options.linger = settings.linger;
    options.part_patience = settings.part_patience;
    options.process_gone = settings.process_gone;
    run_ = std::make_unique<Run>(options, manifest_, *ledger_, std::move(clock),
                                 [](const std::string&) {});
  }

  Run& operator*() { return *run_; }
  Run* operator->() { return run_.get(); }

  void serve(bool insecure = false) {
    Server::Options options;
    options.run_directory = root_;
    options.run_id = manifest_.run_id;
    options.insecure = insecure;
    auto server = Server::start(options, *run_);
    if (!server.ok()) throw std::runtime_error(server.status().ToString());
    server_ = *std::move(server);
  }
  const Server& server() const { return *server_; }

  // The commit of a part that lies on disk.
  UnitCommit finished(const Lease& lease) const {
    const std::string& dataset =
        manifest_.units[static_cast<std::size_t>(to_int(lease.unit))].dataset;
    UnitCommit commit;
    commit.unit = lease.unit;
    commit.token = lease.token;
    commit.receipt =
        write_part_file(root_, dataset, to_int(lease.unit), lease.token);
    commit.samples_ok = kSamplesOfUnit - 1;
    commit.samples_failed = 1;
    commit.tokens = 20;
    return commit;
  }

 private:
  const std::filesystem::path root_;
  const storage::Manifest manifest_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Run> run_;
  std::unique_ptr<Server> server_;
};

}  // namespace lens::coordinator
