#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace lens::collective {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;
using ::testing::StartsWith;

// What the ranks said that a signal to one of three left over.
struct Words {
  std::vector<std::string> said, then;
  std::vector<double> took;
  int left = 0;
};

Words hit(const std::string& call, int victim, int signal) {
  // A launcher that goes on when a rank is killed; one that waits for a stopped
  // rank would do so for ever.
  const std::string recovery = signal == SIGKILL ? " --enable-recovery" : "";
  const std::string command =
      std::string(LENS_MPIEXEC) + " --oversubscribe --bind-to none" + recovery +
      " -n 3 " + LENS_SILENT_RANK + " " + call + " " + std::to_string(victim) +
      " " + std::to_string(signal) + " 2>/dev/null";
  Words words;
  FILE* const pipe = ::popen(command.c_str(), "r");
  char line[1000];
  while (std::fgets(line, sizeof(line), pipe)) {
    const std::string text(line);
    if (text.starts_with("SAID ")) words.said.push_back(text.substr(5));
    if (text.starts_with("THEN ")) words.then.push_back(text.substr(5));
    if (text.starts_with("TOOK ")) words.took.push_back(std::stod(line + 5));
    if (text.starts_with("LEFT")) ++words.left;
  }
  ::pclose(pipe);
  return words;
}

void expect_others_end(const Words& words) {
  EXPECT_THAT(words.said, SizeIs(2));
  EXPECT_THAT(words.said,
              Each(StartsWith("the ranks cannot go on together (rank")));
  EXPECT_THAT(words.said, Each(HasSubstr(" of 3 did not take part in ")));
  EXPECT_THAT(words.said, Each(HasSubstr(" within 0.7 s); ")));
  EXPECT_THAT(words.then, Each(HasSubstr("an earlier call failed")));
  EXPECT_THAT(words.took, Each(Le(3.0)));
  EXPECT_EQ(words.left, 2);
}

class SilentRank : public ::testing::TestWithParam<std::string> {};

TEST_P(SilentRank, KilledEndsTheOthersByTheDeadline) {
  expect_others_end(hit(GetParam(), 2, SIGKILL));
}

TEST_P(SilentRank, StoppedEndsTheOthersByTheDeadline) {
  expect_others_end(hit(GetParam(), 2, SIGSTOP));
}

TEST_P(SilentRank, FirstKilledEndsTheOthersByTheDeadline) {
  expect_others_end(hit(GetParam(), 0, SIGKILL));
}

INSTANTIATE_TEST_SUITE_P(Calls, SilentRank,
                         ::testing::Values("broadcast", "gather", "whole_sum",
                                           "sliced_sum"),
                         [](const auto& of) { return of.param; });

}  // namespace
}  // namespace lens::collective
