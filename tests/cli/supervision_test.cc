// What is decided about a coordinator and its workers, without either.
#include "cli/supervision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "base/exit_code.h"

namespace lens::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string name(const Action& action) {
  if (const auto* start = std::get_if<StartProgram>(&action)) {
    return start->program == RunProgram::kCoordinator ? "start coordinator"
                                                      : "start workers";
  }
  if (const auto* say = std::get_if<Say>(&action)) return "say: " + say->line;
  if (std::holds_alternative<AskToDrain>(action)) return "ask to drain";
  if (std::holds_alternative<KillAll>(action)) return "kill all";
  return "show";
}

RunStatus status_of(std::int64_t committed, std::size_t workers = 1) {
  RunStatus status;
  status.state = RunState::kRunning;
  status.units_total = 4;
  status.units_committed = committed;
  status.datasets = {{"mtvqa", 8, 2 * committed, 0}};
  status.workers.resize(workers);
  return status;
}

class SupervisionTest : public testing::Test {
 protected:
  // What is seen `later`, where nothing else has happened: what was started
  // lives.
  Observation look(std::chrono::milliseconds later = 0ms) {
    now_ += later;
    Observation seen;
    seen.now = now_;
    seen.signals = signals_;
    seen.coordinator_runs = coordinator_runs_;
    seen.workers_run = workers_run_;
    seen.last_line = [](RunProgram) { return std::string("last word"); };
    seen.last_lines = [](RunProgram) { return std::string("  words\n"); };
    seen.network = [] { return std::string(); };
    return seen;
  }
  Observation answered(const RunStatus& status,
                       std::chrono::milliseconds later = 0ms) {
    Observation seen = look(later);
    seen.asked = true;
    seen.answer = status;
    return seen;
  }
  Observation unanswered(std::chrono::milliseconds later = 0ms) {
    Observation seen = look(later);
    seen.asked = true;
    seen.problem = "refused";
    return seen;
  }
  Observation coordinator_died(int code,
                               std::chrono::milliseconds later = 0ms) {
    coordinator_runs_ = false;
    Observation seen = look(later);
    seen.coordinator_exit = ChildExit{.code = code};
    return seen;
  }
  // The coordinator is asked at once.
  Observation workers_died(ChildExit exit, const RunStatus& status,
                           std::chrono::milliseconds later = 0ms) {
    workers_run_ = false;
    Observation seen = answered(status, later);
    seen.workers_exit = exit;
    return seen;
  }
  std::vector<std::string> decide(const Observation& seen) {
    std::vector<std::string> names;
    for (const Action& action : supervision_.decide(seen)) {
      names.push_back(name(action));
      if (names.back() == "start coordinator") coordinator_runs_ = true;
      if (names.back() == "start workers") workers_run_ = true;
    }
    return names;
  }
  static Supervision made() {
    return Supervision({.first_pause = 500ms,
                        .first_answer = 30s,
                        .first_join = 60s,
                        .drain = {.silent = 60s, .still = 120s}},
                       [](RunProgram) { return std::string("a.log"); });
  }
  void at_work() {
    decide(look());
    decide(answered(status_of(0), 100ms));
  }

  Supervision::Clock::time_point now_{std::chrono::hours(1)};
  bool coordinator_runs_ = false, workers_run_ = false;
  int signals_ = 0;
  Supervision supervision_ = made();
};

TEST_F(SupervisionTest, CoordinatorComesFirstAndWorkersOnceItAnswers) {
  EXPECT_THAT(decide(look()), ElementsAre("start coordinator"));
  EXPECT_THAT(decide(unanswered(500ms)), IsEmpty());
  EXPECT_THAT(decide(answered(status_of(0), 500ms)),
              ElementsAre("show", "start workers"));
  EXPECT_THAT(decide(look(200ms)), IsEmpty());
}

TEST_F(SupervisionTest, AllCommittedIsTheEnd) {
  at_work();
  EXPECT_EQ(supervision_.outcome(), std::nullopt);
  EXPECT_THAT(decide(answered(status_of(4), 1s)), ElementsAre("show"));
  EXPECT_EQ(supervision_.outcome(), RunOutcome::kAllCommitted);
}

TEST_F(SupervisionTest, CoordinatorThatEndedWithAllCommittedIsNotStartedAgain) {
  at_work();
  Observation seen = coordinator_died(kExitOk, 1s);
  seen.ledger = status_of(4);
  EXPECT_THAT(decide(seen), IsEmpty());
  EXPECT_EQ(supervision_.outcome(), RunOutcome::kAllCommitted);
}

TEST_F(SupervisionTest, DeadCoordinatorIsStartedAgainAfterPausesThatGrow) {
  at_work();
  std::chrono::milliseconds pause = 500ms;
  for (int death = 0; death < RestartBudget::kMostInARow; ++death) {
    const auto said = decide(coordinator_died(1, 10ms));
    ASSERT_EQ(said.size(), 1u);
    EXPECT_THAT(said[0], HasSubstr("the coordinator ended (exit 1: last word); "
                                   "starting it again in "));
    EXPECT_THAT(decide(look(pause - 1ms)), IsEmpty());
    EXPECT_THAT(decide(look(1ms)), ElementsAre("start coordinator"));
    pause *= 2;
  }
  EXPECT_THAT(decide(coordinator_died(1)), IsEmpty());
  EXPECT_EQ(supervision_.outcome(), RunOutcome::kFailed);
  EXPECT_EQ(supervision_.failure(),
            "the coordinator keeps dying (exit 1); last lines of a.log:\n"
            "  words\n");
}

TEST_F(SupervisionTest, ProgressForgivesDeaths) {
  at_work();
  for (int death = 0; death < 2 * RestartBudget::kMostInARow; ++death) {
    decide(workers_died({.code = 1}, status_of(0), 10ms));
    decide(answered(status_of(0), 20s));
    EXPECT_TRUE(workers_run_) << "death " << death;
    RunStatus status = status_of(0);
    status.datasets[0].done = death + 1;
    decide(answered(status, 1s));
  }
  EXPECT_EQ(supervision_.outcome(), std::nullopt);
}

TEST_F(SupervisionTest, WorkersAreJudgedOnlyByACoordinatorThatAnswers) {
  at_work();
  workers_run_ = false;
  Observation seen = unanswered(10ms);
  seen.workers_exit = ChildExit{.code = 1};
  EXPECT_THAT(decide(seen), IsEmpty());
  EXPECT_THAT(decide(answered(status_of(0), 500ms)),
              ElementsAre("show",
                          "say: the workers ended (exit 1: last word); "
                          "starting them again in 0.5 s"));
}

TEST_F(SupervisionTest, WordsOfAProcessThatWasKilledAreNotQuoted) {
  at_work();
  EXPECT_THAT(decide(workers_died({.code = 137, .signal = SIGKILL},
                                  status_of(0), 10ms)),
              ElementsAre("show",
                          "say: the workers ended (killed by signal 9 "
                          "(Killed)); starting them again in 0.5 s"));
}

TEST_F(SupervisionTest, WorkersThatKeepDyingEndTheRun) {
  at_work();
  for (int death = 0; death <= RestartBudget::kMostInARow; ++death) {
    EXPECT_EQ(supervision_.outcome(), std::nullopt);
    decide(workers_died({.code = 3}, status_of(0), 10ms));
    decide(answered(status_of(0), 60s));
  }
  EXPECT_EQ(supervision_.outcome(), RunOutcome::kFailed);
  EXPECT_THAT(supervision_.failure(),
              HasSubstr("the workers keep dying without progress (exit 3)"));
}

TEST_F(SupervisionTest, FirstSignalDrainsAndTheSecondKills) {
  at_work();
  signals_ = 1;
  EXPECT_THAT(decide(look(10ms)),
              ElementsAre("say: stopping: work in hand is finished or handed "
                          "back; again to kill",
                          "ask to drain"));
  EXPECT_THAT(decide(look(10ms)), IsEmpty());
  EXPECT_EQ(supervision_.outcome(), std::nullopt);
  signals_ = 2;
  EXPECT_THAT(decide(look(10ms)), ElementsAre("kill all"));
  EXPECT_EQ(supervision_.outcome(), RunOutcome::kInterrupted);
}

TEST_F(SupervisionTest, DrainEndsWithTheCoordinator) {
  at_work();
  signals_ = 1;
  decide(look(10ms));
  EXPECT_THAT(decide(coordinator_died(kExitResumable, 1s)), IsEmpty());
  EXPECT_EQ(supervision_.outcome(), RunOutcome::kInterrupted);
}

TEST_F(SupervisionTest, DrainOfSomebodyElseIsFollowed) {
  at_work();
  RunStatus status = status_of(1);
  status.draining = true;
  EXPECT_THAT(
      decide(answered(status, 1s)),
      ElementsAre("say: stopping: the coordinator was asked to drain", "show"));
  EXPECT_THAT(decide(workers_died({.code = kExitResumable}, status, 1s)),
              ElementsAre("show"));
}

TEST_F(SupervisionTest, DrainThatStandsStillIsEndedByForce) {
  at_work();
  signals_ = 1;
  decide(look(10ms));
  EXPECT_THAT(decide(unanswered(59s)), IsEmpty());
  EXPECT_THAT(
      decide(unanswered(1s)),
      ElementsAre("say: the coordinator has not answered for 1 min 00 s:"
                  " all processes are killed; what is done is kept",
                  "kill all"));
}

TEST_F(SupervisionTest, SilenceIsJudgedByWhatTheCoordinatorHasDoneSoFar) {
  struct Case {
    const char* what;
    bool spoke, listens, has_word, network_down;
    std::string said, failure;
  };
  const Case cases[] = {
      {"spoke before", true, true, true, false,
       "say: the coordinator has not answered for 30 s (refused); waiting for "
       "it",
       ""},
      {"listens", false, true, true, false, "",
       "cannot reach the coordinator at host:1 for 30 s (refused); see a.log"},
      {"listens, network down", false, true, true, true, "",
       "cannot reach the coordinator at host:1 for 30 s (lo is down); run `ip "
       "link set lo up`"},
      {"reads", false, false, true, false,
       "say: the coordinator does not listen yet after 30 s; its last words: "
       "last word",
       ""},
      {"says nothing", false, false, false, false, "",
       "the coordinator neither listens nor says anything after 30 s"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    supervision_ = made();
    coordinator_runs_ = workers_run_ = false;
    decide(look());
    if (c.spoke) decide(answered(status_of(0), 1s));
    EXPECT_THAT(decide(unanswered(29s)), IsEmpty());
    Observation seen = unanswered(1s);
    if (c.listens) seen.address = "host:1";
    if (c.network_down) {
      seen.network = [] { return std::string("lo is down"); };
    }
    if (!c.has_word) seen.last_line = [](RunProgram) { return std::string(); };
    const auto said = decide(seen);
    if (c.said.empty()) {
      EXPECT_THAT(said, IsEmpty());
    } else {
      EXPECT_THAT(said, ElementsAre(c.said));
    }
    EXPECT_THAT(supervision_.failure(), HasSubstr(c.failure));
    EXPECT_EQ(supervision_.outcome().has_value(), !c.failure.empty());
    // Told once.
    if (c.failure.empty()) {
      EXPECT_THAT(decide(unanswered(1min)), IsEmpty());
    }
  }
}

TEST_F(SupervisionTest, WorkersThatDoNotJoinAreQuotedNowAndThen) {
  decide(look());
  decide(answered(status_of(0, 0), 100ms));
  int quoted = 0;
  for (int second = 0; second < 125; ++second) {
    for (const std::string& said : decide(answered(status_of(0, 0), 1s))) {
      quoted += said ==
                "say: no worker has joined for 60 s; their last words: "
                "last word";
    }
  }
  EXPECT_EQ(quoted, 2);
}

TEST_F(SupervisionTest, FailureInTheLedgerIsOfAnEarlierAttemptUntilSpokenTo) {
  decide(look());
  RunStatus failed = status_of(1);
  failed.state = RunState::kFailed;
  Observation seen = coordinator_died(1, 10ms);
  seen.ledger = failed;
  decide(seen);
  EXPECT_EQ(supervision_.outcome(), std::nullopt);
  EXPECT_THAT(decide(look(500ms)), ElementsAre("start coordinator"));
  decide(answered(failed, 500ms));
  EXPECT_EQ(supervision_.outcome(), RunOutcome::kFailed);
  EXPECT_EQ(supervision_.failure(), "");
}

TEST_F(SupervisionTest, CoordinatorIsAskedTwiceASecond) {
  at_work();
  EXPECT_FALSE(supervision_.wants_answer(now_ + 499ms));
  EXPECT_TRUE(supervision_.wants_answer(now_ + 500ms));
}

}  // namespace
}  // namespace lens::cli
