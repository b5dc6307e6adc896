#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixtures.h"
#include "storage/verify.h"

namespace lens::storage {
namespace {

// Peak memory in KiB of a merge in a child of its own.
long merge_peak_kib(const RunDirectory& run, const Manifest& manifest,
                    const std::vector<CommittedPart>& parts) {
  const pid_t child = ::fork();
  if (child == 0) {
    MergeOptions options;
    options.output = run.results();
    merge(run, manifest, parts, options);
    ::_exit(0);
  }
  int status = 0;
  rusage usage = {};
  EXPECT_EQ(::wait4(child, &status, 0, &usage), child);
  EXPECT_EQ(status, 0);
  return usage.ru_maxrss;
}

TEST(MergeMemory, TenThousandSamplesTakeNoMoreThanOneThousand) {
  long peaks[2];
  std::uintmax_t bytes[2];
  for (int i = 0; i < 2; ++i) {
    const fixtures::TemporaryFolder folder;
    const RunDirectory run(folder.path());
    const Manifest manifest =
        fixtures::make_manifest({.mtvqa_units = i == 0 ? 10 : 100,
                                 .latex_units = 1,
                                 .samples_per_unit = 100});
    const auto parts = fixtures::write_run(run, manifest, 60);
    peaks[i] = merge_peak_kib(run, manifest, parts);
    bytes[i] = std::filesystem::file_size(run.results());
    EXPECT_TRUE(verify_results(run.results()).ok());
  }
  EXPECT_GT(bytes[1], 8 * bytes[0]);
  RecordProperty("peak_kib_1000", static_cast<int>(peaks[0]));
  RecordProperty("peak_kib_10000", static_cast<int>(peaks[1]));
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer keeps freed memory";
#endif
  // Buffers and chunk caches fill up to their fixed sizes; the rest would be
  // growth with the number of parts.
  EXPECT_LT(peaks[1] - peaks[0], 40 << 10);
}

}  // namespace
}  // namespace lens::storage
