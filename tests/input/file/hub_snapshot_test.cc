#include "input/file/hub_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/input/file/scratch_files.h"

namespace lens {
namespace {

using testing::HasSubstr;

std::string refusal(const ScratchFiles& scratch) {
  return refusal_of([&] { hub_snapshot(scratch.path()); });
}

TEST(HubSnapshot, OrdinaryFolderIsItself) {
  const ScratchFiles scratch;
  EXPECT_EQ(hub_snapshot(scratch.path()), scratch.path());
  EXPECT_EQ(hub_snapshot("/none"), "/none");
}

TEST(HubSnapshot, MainNamesTheRevisionAndElseTheOnlyOneIsTaken) {
  const ScratchFiles scratch;
  scratch.write("snapshots/abc/config.json", "{}");
  EXPECT_EQ(hub_snapshot(scratch.path()), scratch / "snapshots/abc");
  scratch.write("snapshots/old/config.json", "{}");
  EXPECT_THAT(refusal(scratch), HasSubstr("2 folders in snapshots/"));
  scratch.write("refs/main", "abc\n");
  EXPECT_EQ(hub_snapshot(scratch.path()), scratch / "snapshots/abc");
}

TEST(HubSnapshot, RevisionThatIsNotThereIsNotReplacedByAnother) {
  const ScratchFiles scratch;
  scratch.write("snapshots/old/config.json", "{}");
  scratch.write("refs/main", "abc");
  EXPECT_THAT(refusal(scratch), HasSubstr("refs/main names abc"));
}

}  // namespace
}  // namespace lens
