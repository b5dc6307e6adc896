#include "worker/replica.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "collective/collective.h"

namespace lens::worker {
namespace {

enum class Outcome : std::int64_t {
  kWorking,
  kDone,
  kAbandoned,
  kOutOfMemory,
  kFailedCheck,
  kFailed,
};

constexpr std::size_t kWords = 400;  // bytes of a reason that travel

at::Tensor bytes_of(std::size_t count) {
  return at::zeros({static_cast<std::int64_t>(count)}, at::kByte);
}

}  // namespace

// How it goes for one rank: plain bytes, so that it can be gathered.
struct Replica::Standing {
  Outcome outcome = Outcome::kWorking;
  std::int64_t rank = 0;
  char words[kWords] = "";

  static Standing of(Outcome outcome, const char* what) {
    Standing standing;
    standing.outcome = outcome;
    std::strncpy(standing.words, what, kWords - 1);
    return standing;
  }

  [[noreturn]] void raise() const {
    const std::string what =
        "rank " + std::to_string(rank) + " of the replica: " + words;
    switch (outcome) {
      case Outcome::kAbandoned:
        throw Abandoned(words);
      case Outcome::kOutOfMemory:
        throw OutOfMemory(what);
      case Outcome::kFailedCheck:
        throw FailedCheck(what);
      default:
        throw std::runtime_error(what);
    }
  }
};

// Gives the first rank's standing that is worse than working, or done where all
// are; working otherwise.
Replica::Standing Replica::meet(const Standing& own) const {
  Standing here = own;
  here.rank = ranks_->rank();
  const at::Tensor part = bytes_of(sizeof(Standing));
  std::memcpy(part.mutable_data_ptr(), &here, sizeof(Standing));
  const at::Tensor all = ranks_->gather(part).contiguous();
  bool done = true;
  for (int rank = 0; rank < ranks_->size(); ++rank) {
    Standing standing;
    std::memcpy(&standing,
                static_cast<const std::uint8_t*>(all.const_data_ptr()) +
                    static_cast<std::size_t>(rank) * sizeof(Standing),
                sizeof(Standing));
    if (standing.outcome > Outcome::kDone) return standing;
    done &= standing.outcome == Outcome::kDone;
  }
  Standing together;
  together.outcome = done ? Outcome::kDone : Outcome::kWorking;
  return together;
}

UnitRunner::Hooks Replica::joint(const Hooks& own,
                                 std::optional<Standing>* parted) const {
  Hooks hooks = own;
  hooks.cancelled = [this, own, parted] {
    const bool stop = own.cancelled && own.cancelled();
    const Standing standing = meet(
        stop ? Standing::of(Outcome::kAbandoned, "asked to stop") : Standing());
    if (standing.outcome <= Outcome::kDone) return false;
    *parted = standing;
    return true;
  };
  return hooks;
}

// Runs a unit on this rank as all others do; afterwards they tell each other
// how it went. Invariant: over a failure the ranks meet exactly once, at its
// end on the rank that failed and wherever they are on the others.
storage::UnitResult Replica::run_together(UnitMessage message,
                                          const Hooks& hooks) {
  std::optional<Standing> parted;
  Standing own = Standing::of(Outcome::kDone, "");
  std::exception_ptr problem;
  storage::UnitResult result;
  try {
    result = runner_.run(std::move(message.prepared), message.alone,
                         joint(hooks, &parted));
  } catch (const Abandoned& error) {
    // The ranks have met over this already, in cancelled().
    if (parted) parted->raise();
    own = Standing::of(Outcome::kAbandoned, error.what());
    problem = std::current_exception();
  } catch (const OutOfMemory& error) {
    own = Standing::of(Outcome::kOutOfMemory, error.what());
    problem = std::current_exception();
  } catch (const FailedCheck& error) {
    own = Standing::of(Outcome::kFailedCheck, error.what());
    problem = std::current_exception();
  } catch (const std::exception& error) {
    own = Standing::of(Outcome::kFailed, error.what());
    problem = std::current_exception();
  }
  Standing all = meet(own);
  if (problem) std::rethrow_exception(problem);
  // Others are still at work: each of their questions is a meeting, and they
  // would wait for this rank in it.
  while (all.outcome == Outcome::kWorking) all = meet(own);
  if (all.outcome != Outcome::kDone) all.raise();
  return result;
}

Replica::Replica(std::shared_ptr<collective::Collective> ranks,
                 UnitRunner& runner)
    : ranks_(std::move(ranks)), runner_(runner) {}

Replica Replica::alone(UnitRunner& runner) {
  return {collective::one_process(), runner};
}

storage::UnitResult Replica::run(PreparedUnit prepared, bool alone,
                                 const Hooks& hooks) {
  if (ranks_->size() == 1) {
    return runner_.run(std::move(prepared), alone, hooks);
  }
  UnitMessage message{std::move(prepared), alone};
  send(encode(message));
  return run_together(std::move(message), hooks);
}

void Replica::dismiss() {
  if (ranks_->size() > 1) send({});
}

void Replica::follow(const Watch& watch) {
  for (;;) {
    const std::vector<std::uint8_t> bytes = receive();
    if (bytes.empty()) return;
    try {
      UnitMessage message = decode(bytes);
      const Hooks hooks = watch ? watch(message.prepared) : Hooks{};
      run_together(std::move(message), hooks);
    } catch (const std::exception&) {
      // Rank 0 has been told, and asks for the next unit or for none.
    }
  }
}

// Its length, then the message; no message at all dismisses.
void Replica::send(const std::vector<std::uint8_t>& bytes) {
  const at::Tensor length =
      at::full({1}, static_cast<std::int64_t>(bytes.size()), at::kLong);
  ranks_->await(length);
  if (bytes.empty()) return;
  const at::Tensor body = bytes_of(bytes.size());
  std::memcpy(body.mutable_data_ptr(), bytes.data(), bytes.size());
  ranks_->broadcast(body);
}

std::vector<std::uint8_t> Replica::receive() {
  const at::Tensor length = at::zeros({1}, at::kLong);
  ranks_->await(length);
  std::vector<std::uint8_t> bytes(
      static_cast<std::size_t>(length.item<std::int64_t>()));
  if (bytes.empty()) return bytes;
  const at::Tensor body = bytes_of(bytes.size());
  ranks_->broadcast(body);
  std::memcpy(bytes.data(), body.const_data_ptr(), bytes.size());
  return bytes;
}

}  // namespace lens::worker
