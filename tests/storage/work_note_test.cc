#include "storage/work_note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "base/process_id.h"
#include "storage/crash_note.h"
#include "tests/storage/fixtures.h"

namespace lens::storage {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kOne = {"7.1"};
const std::vector<std::string> kOther = {"10"};
const std::vector<std::string> kThree = {"7.1", "7.2", "8.0"};

class WorkNoteTest : public ::testing::Test {
 protected:
  // What a process leaves that works and is killed at it.
  void killed_at(const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      work();
      ::raise(SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(run_.crashes()),
                         {});
  }

  fixtures::TemporaryFolder folder_;
  const RunDirectory run_{folder_.path()};
};

TEST_F(WorkNoteTest, NoteOfALivingProcessIsLeftAlone) {
  const WorkNote note(run_, {1, 2, 3}, Stage::kModel);
  settle_work_notes(run_);
  EXPECT_EQ(files(), 1);
  EXPECT_TRUE(read_crash_notes(run_).empty());
}

TEST_F(WorkNoteTest, NoteGoesWithTheWork) {
  { const WorkNote note(run_, {1, 2, 3}, Stage::kModel); }
  EXPECT_EQ(files(), 0);
}

// A launcher that dies with its rank leaves it so, until somebody looks.
TEST_F(WorkNoteTest, ProcessThatNobodyWaitedForHasEnded) {
  const pid_t child = ::fork();
  if (child == 0) {
    const WorkNote note(run_, {1, 2, 3}, Stage::kModel);
    ::raise(SIGKILL);
  }
  siginfo_t end;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOWAIT),
            0);
  settle_work_notes(run_);
  EXPECT_EQ(read_crash_notes(run_).size(), 1);
  ::waitpid(child, nullptr, 0);
}

// The ranks of a replica work for one lease, and count their notes alike.
TEST_F(WorkNoteTest, ProcessesOfOneLeaseHaveNotesOfTheirOwn) {
  killed_at([this] {
    WorkNote note(run_, {1, 2, 3}, Stage::kModel);
    note.come_to(kOther);
    ::raise(SIGKILL);
  });
  // As the process that has died: the count goes on from where it forked.
  WorkNote note(run_, {1, 2, 3}, Stage::kModel);
  note.come_to(kOne);
  EXPECT_EQ(files(), 2);
  settle_work_notes(run_);
  const auto dead = read_crash_notes(run_);
  ASSERT_EQ(dead.size(), 1);
  EXPECT_EQ(dead[0].sample_id, "10");
  EXPECT_EQ(files(), 2) << "that of the living one, and what was told";
}

// Nobody could tell whose a note without words is, and it would stay for ever.
TEST_F(WorkNoteTest, ADeathWhileANoteIsMadeLeavesNoneWithoutWords) {
  std::filesystem::create_directories(run_.crashes());
  for (int round = 0; round < 100; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) const WorkNote note(run_, {1, 2, 3}, Stage::kImage);
    }
    ::usleep(static_cast<useconds_t>(300 + 7 * round));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    settle_work_notes(run_);
    for (const auto& entry :
         std::filesystem::directory_iterator(run_.crashes())) {
      ASSERT_NE(entry.path().extension(), ".work") << "in round " << round;
    }
  }
}

TEST_F(WorkNoteTest, KilledProcessIsTestifiedToWithItsSample) {
  killed_at([&] {
    static WorkNote note(run_, {12, 3, 45}, Stage::kModel);
    note.come_to(kThree);
    note.come_to(kOne);
  });
  settle_work_notes(run_);
  const auto note = read_crash_note(run_, 12, 3, 45);
  ASSERT_TRUE(note);
  EXPECT_TRUE(note->killed);
  EXPECT_EQ(note->sample_id, "7.1");
  EXPECT_THAT(note->reason, HasSubstr("killed"));
  EXPECT_THAT(note->reason, HasSubstr("while the model ran"));
  EXPECT_EQ(files(), 1);
}

TEST_F(WorkNoteTest, SeveralSamplesInWorkNameNone) {
  killed_at([&] {
    static WorkNote note(run_, {12, 3, 45}, Stage::kModel);
    note.come_to(kThree);
  });
  settle_work_notes(run_);
  ASSERT_TRUE(read_crash_note(run_, 12, 3, 45));
  EXPECT_EQ(read_crash_note(run_, 12, 3, 45)->sample_id, "");
}

TEST_F(WorkNoteTest, OneDeathIsOneUnitsAndTheModelIsBlamedFirst) {
  killed_at([&] {
    static WorkNote image(run_, {2, 1, 2}, Stage::kImage);
    image.come_to(kOne);
    static WorkNote model(run_, {1, 1, 1}, Stage::kModel);
    static WorkNote store(run_, {0, 1, 0}, Stage::kStore);
  });
  settle_work_notes(run_);
  const std::vector<CrashNote> notes = read_crash_notes(run_);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].unit, 1);
  EXPECT_EQ(notes[0].sample_id, "");
}

TEST_F(WorkNoteTest, SeveralImagesInWorkNameNone) {
  killed_at([&] {
    static WorkNote first(run_, {2, 1, 2}, Stage::kImage);
    first.come_to(kOne);
    static WorkNote second(run_, {2, 1, 2}, Stage::kImage);
    second.come_to(kOther);
    static WorkNote rows(run_, {2, 1, 2}, Stage::kRows);
  });
  settle_work_notes(run_);
  const std::vector<CrashNote> notes = read_crash_notes(run_);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].sample_id, "");
}

TEST_F(WorkNoteTest, ProcessThatWasAskedToEndLeavesNone) {
  killed_at([&] {
    static WorkNote note(run_, {1, 1, 1}, Stage::kModel);
    WorkNote::withdraw_all();
    static WorkNote later(run_, {2, 1, 2}, Stage::kModel);
  });
  EXPECT_EQ(files(), 0);
}

TEST_F(WorkNoteTest, OwnCrashNoteOfAProcessHolds) {
  killed_at([&] {
    static WorkNote model(run_, {1, 1, 1}, Stage::kModel);
    static WorkNote image(run_, {2, 1, 2}, Stage::kImage);
    CrashNote own;
    own.unit = 2;
    own.epoch = 1;
    own.number = 2;
    own.reason = "it died of its image";
    write_crash_note(run_, own);
  });
  settle_work_notes(run_);
  const std::vector<CrashNote> notes = read_crash_notes(run_);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].unit, 2);
  EXPECT_FALSE(notes[0].killed);
}

TEST_F(WorkNoteTest, NotesOfAnotherBootSayNothing) {
  std::filesystem::create_directories(run_.crashes());
  ProcessId process = ProcessId::self();
  process.pid = 999'999'999;
  process.space = "another boot/pid:[1]";
  fixtures::write_bytes(run_.work_note(1, 1, 1, 1),
                        to_text(process) + "\nmodel\n7\n");
  fixtures::write_bytes(run_.work_note(2, 1, 1, 1), "");
  settle_work_notes(run_);
  EXPECT_TRUE(read_crash_notes(run_).empty());
}

TEST(ProcessId, LivesUntilItsProcessEnds) {
  const ProcessId self = ProcessId::self();
  EXPECT_FALSE(has_ended(self));
  EXPECT_EQ(process_from_text(to_text(self)), self);
  ProcessId other = self;
  other.start_time += 1;
  EXPECT_TRUE(has_ended(other));
  other = self;
  other.space += "x";
  EXPECT_FALSE(has_ended(other));
  EXPECT_FALSE(has_ended({}));
  EXPECT_EQ(process_from_text("no process"), ProcessId());
}

}  // namespace
}  // namespace lens::storage
