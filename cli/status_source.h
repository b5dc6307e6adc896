#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/run_status.h"
#include "proto/channel.h"
#include "storage/run_directory.h"

namespace lens::cli {

// Asks a coordinator. Keeps the connection between calls and makes a new one
// when the coordinator was restarted elsewhere.
class CoordinatorClient {
 public:
  explicit CoordinatorClient(storage::RunDirectory run)
      : run_(std::move(run)) {}

  // Nothing when no coordinator answers in time.
  std::optional<RunStatus> status(std::chrono::milliseconds deadline);
  // Asks it to end the run in an orderly way. False: nobody answered.
  bool drain(std::chrono::milliseconds deadline);
  // Why the last call had no answer, in a line; empty after one that had, and
  // where no coordinator runs.
  const std::string& problem() const { return problem_; }

 private:
  bool ensure_connected();
  // Takes note of the answer. After a failure the next call is made over a new
  // connection: this one may never recover.
  bool answered(const grpc::Status& status);

  storage::RunDirectory run_;
  std::optional<proto::Connection> connection_;
  std::string problem_;
};

// `lens run` asks for itself: its own lock says nothing then.
enum class Asker { kAnyone, kRunHolder };

// What the manifest and the ledger say, while no coordinator runs.
//
// Throws lens::InputError: no run in this directory, a damaged ledger, or a
// coordinator that holds the ledger; StorageError: a damaged manifest.
RunStatus ledger_status(const storage::RunDirectory& run,
                        Asker asker = Asker::kAnyone);

// The coordinator where one answers, else the ledger. Errors as above.
RunStatus run_status(const storage::RunDirectory& run,
                     CoordinatorClient& client);

}  // namespace lens::cli
