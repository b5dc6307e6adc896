#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/restart.h"

namespace lens::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

RunStatus half_done() {
  RunStatus status;
  status.state = RunState::kRunning;
  status.datasets = {{"latex_ocr", 100, 60, 0}, {"mtvqa", 200, 90, 2}};
  status.samples_per_second = 3.2;
  status.eta_seconds = 46.9;
  status.workers.resize(2);
  return status;
}

TEST(Progress, BarShowsWhatMatters) {
  const std::string bar = progress_bar(half_done(), 100);
  EXPECT_THAT(bar, StartsWith("[###############---------------] 150/300"));
  EXPECT_THAT(bar, HasSubstr("50.0 %"));
  EXPECT_THAT(bar, HasSubstr("3.20 samples/s"));
  EXPECT_THAT(bar, HasSubstr("47 s left"));
  EXPECT_THAT(bar, HasSubstr("2 failed"));
}

TEST(Progress, BarNeverIsWiderThanTheTerminal) {
  for (int width = 0; width < 120; ++width)
    EXPECT_LE(progress_bar(half_done(), width).size(),
              static_cast<std::size_t>(width));
}

TEST(Progress, UnknownSpeedAndTimeAreLeftOut) {
  RunStatus status = half_done();
  status.samples_per_second = 0;
  status.eta_seconds.reset();
  EXPECT_THAT(progress_bar(status, 100), Not(HasSubstr("samples/s")));
  EXPECT_THAT(progress_line(status), Not(HasSubstr("left")));
}

TEST(Progress, LineNamesEveryDataset) {
  EXPECT_EQ(progress_line(half_done()),
            "running: 150/300 samples (latex_ocr 60/100, mtvqa 90/200), 2 "
            "failed, 3.20 samples/s, 47 s left, 2 workers");
}

TEST(Progress, RanksOfAWorkerAreTold) {
  RunStatus status = half_done();
  status.tensor_parallel = 4;
  EXPECT_THAT(progress_line(status), HasSubstr(", 2 workers of 4 ranks"));
  status.workers[1].rank = 4;
  EXPECT_THAT(status_text(status), HasSubstr("(pid 0, ranks 4-7, )"));
  status.tensor_parallel = 1;
  EXPECT_THAT(status_text(status), HasSubstr("(pid 0, rank 4, )"));
}

TEST(Progress, EmptyRunHasNoDivisionByZero) {
  EXPECT_THAT(progress_bar(RunStatus{}, 60), HasSubstr("100.0 %"));
}

TEST(ProgressPrinter, LogsGetALineEveryTenSecondsAndAtTheEnd) {
  std::ostringstream out;
  ProgressPrinter::Clock::time_point now{};
  ProgressPrinter printer(out, {.now = [&now] { return now; }});
  for (int second = 0; second < 25; ++second) {
    printer.update(half_done());
    now += 1s;
  }
  const std::string during = out.str();
  EXPECT_EQ(std::count(during.begin(), during.end(), '\n'), 3);
  printer.finish(half_done());
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_THAT(text, Not(HasSubstr("\r")));
}

TEST(ProgressPrinter, TerminalsGetOneLineRedrawn) {
  std::ostringstream out;
  {
    ProgressPrinter printer(out,
                            {.terminal = true, .width = [] { return 60; }});
    printer.update(half_done());
    printer.update(half_done());
    EXPECT_EQ(out.str().find('\n'), std::string::npos);
    printer.note("the workers ended");
    printer.update(half_done());
  }
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, HasSubstr("\r\x1b[Kthe workers ended\n"));
}

TEST(ProgressPrinter, APassingLineLeavesNothing) {
  std::ostringstream out;
  {
    ProgressPrinter printer(
        out, {.terminal = true, .passing = true, .width = [] { return 60; }});
    printer.update(half_done());
    printer.finish(half_done());
  }
  EXPECT_EQ(out.str().find('\n'), std::string::npos);
  EXPECT_TRUE(out.str().ends_with("\r\x1b[K"));
}

TEST(Duration, TextHasTwoUnitsAtMost) {
  EXPECT_EQ(duration_text(0.4), "0 s");
  EXPECT_EQ(duration_text(59.6), "1 min 00 s");
  EXPECT_EQ(duration_text(250), "4 min 10 s");
  EXPECT_EQ(duration_text(7500), "2 h 05 min");
  EXPECT_EQ(duration_text(4 * 86400 + 3 * 3600), "4 d 03 h");
}

TEST(RestartBudget, PausesGrowAndEnd) {
  RestartBudget budget;
  budget.progress(7);
  for (const auto pause : {500ms, 1000ms, 2000ms, 4000ms, 8000ms})
    EXPECT_EQ(budget.next(), pause);
  EXPECT_FALSE(budget.next());
}

TEST(RestartBudget, ProgressForgivesAndStandstillDoesNot) {
  RestartBudget budget;
  budget.progress(7);
  for (int i = 0; i < 5; ++i) budget.next();
  budget.progress(7);
  EXPECT_FALSE(budget.next());
  budget.progress(8);
  EXPECT_EQ(budget.next(), 500ms);
}

TEST(RestartBudget, LearningGoesOnLongerButNotForEver) {
  RestartBudget budget;
  int starts = 0;
  for (int failure = 1; failure < 1000 && budget.next(); ++failure, ++starts)
    budget.learnt(failure);
  EXPECT_EQ(starts, RestartBudget::kMostInAll);
}

}  // namespace
}  // namespace lens::cli
