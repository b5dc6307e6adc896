#include "collective/nccl_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "collective/nccl_collective.h"
#include "tests/collective/thread_collective.h"

namespace lens::collective {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(NcclLibrary, IsRefusedWhereThereIsNone) {
  EXPECT_THAT([] { NcclLibrary::open("/no/libnccl.so.2"); },
              ThrowsMessage<InputError>(
                  AllOf(HasSubstr("cannot use NCCL (/no/libnccl.so.2"),
                        HasSubstr("; install "))));
}

TEST(NcclLibrary, OfAnotherMajorVersionIsRefused) {
  EXPECT_THAT([] { NcclLibrary::open(LENS_NCCL_3); },
              ThrowsMessage<InputError>(
                  HasSubstr("is of version 3, this program was built for 2)")));
}

TEST(NcclLibrary, WithoutAFunctionIsRefused) {
  EXPECT_THAT([] { NcclLibrary::open(LENS_NCCL_BARE); },
              ThrowsMessage<InputError>(HasSubstr(
                  "cannot use NCCL (it has no ncclGetUniqueId); install ")));
}

// The real one needs no GPU to be opened.
TEST(NcclLibrary, OfThisBuildIsOpened) {
  const std::string library = LENS_NCCL_LIBRARY;
  if (library.empty()) GTEST_SKIP() << "no libnccl.so.2 beside nccl.h";
  const NcclLibrary nccl = NcclLibrary::open(library);
  int version = 0;
  EXPECT_EQ(nccl.get_version(&version), ncclSuccess);
  EXPECT_GE(version, 20000);
}

TEST(NcclStart, WithoutAGpuFailsOnAllRanks) {
  as_ranks(2, [](const std::shared_ptr<Collective>& host) {
    const std::string first = host->rank() == 0 ? "" : "rank 0: ";
    EXPECT_THAT(
        [&] { nccl_collective(host, at::kCPU); },
        ThrowsMessage<InputError>(
            first + "cannot use NCCL (this process has no GPU); give --device "
                    "cpu"));
  });
}

}  // namespace
}  // namespace lens::collective
