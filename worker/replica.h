#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "worker/unit_message.h"
#include "worker/unit_runner.h"

namespace lens::collective {
class Collective;  // its header knows torch, this one does not
}

namespace lens::worker {

// What holds a lease: one to k processes that compute a unit together. Rank 0
// alone talks to the coordinator, reads data and writes parts; the others are
// given what the model reads and run the same steps. With one process it is its
// runner and nothing else.
//
// All ranks meet wherever the work asks whether it is to be given up: one that
// failed, or was told to stop, ends the unit for all of them there.
class Replica final : public UnitRunner {
 public:
  // `runner` must outlive it, and computes with the same collective.
  Replica(std::shared_ptr<collective::Collective> ranks, UnitRunner& runner);

  // Of this process alone.
  static Replica alone(UnitRunner& runner);

  // Rank 0. Throws what its own runner throws; where another rank failed, what
  // that one met (OutOfMemory, FailedCheck, or a std::runtime_error with its
  // words).
  storage::UnitResult run(PreparedUnit prepared, bool alone,
                          const Hooks& hooks) override;

  // Rank 0, at the end: the others return from follow().
  void dismiss();

  // Every other rank: runs what rank 0 runs until it is dismissed, with the
  // hooks that `watch`, where there is one, has for the unit; they go when it
  // is done. What fails here is told to rank 0, which decides what becomes of
  // the unit.
  using Watch = std::function<Hooks(const PreparedUnit&)>;
  void follow(const Watch& watch = {});

 private:
  struct Standing;

  storage::UnitResult run_together(UnitMessage message, const Hooks& hooks);
  Hooks joint(const Hooks& own, std::optional<Standing>* parted) const;
  Standing meet(const Standing& own) const;
  void send(const std::vector<std::uint8_t>& bytes);
  std::vector<std::uint8_t> receive();

  const std::shared_ptr<collective::Collective> ranks_;
  UnitRunner& runner_;
};

}  // namespace lens::worker
