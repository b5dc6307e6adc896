#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "analysis/metrics/sample_table.h"
#include "tests/analysis/planted/planted_results.h"
#include "tests/storage/fixtures.h"

namespace lens::analysis::metrics {
namespace {

// Reads all of 10,000 samples x 30 tokens x 29 states in a child of its own.
TEST(SampleTableMemory, AWholeDataSetTakesLittle) {
  const storage::fixtures::TemporaryFolder folder;
  const planted::Plan plan = {.datasets = {{.name = "mtvqa",
                                            .samples = 10000,
                                            .least_tokens = 30,
                                            .most_tokens = 30}}};
  const auto file = planted::write_run(folder.path(), plan);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto begin = std::chrono::steady_clock::now();
    const storage::ResultsReader results(file);
    const SampleTable table = read_sample_table(results, "mtvqa");
    const std::chrono::duration<double> taken =
        std::chrono::steady_clock::now() - begin;
    std::printf("read in %.2f s\n", taken.count());
    std::fflush(stdout);
    ::_exit(table.rows.size() == 10000 ? 0 : 1);
  }
  int status = 0;
  rusage usage = {};
  ASSERT_EQ(::wait4(child, &status, 0, &usage), child);
  ASSERT_EQ(status, 0);
  std::printf("peak %ld MiB\n", usage.ru_maxrss >> 10);
  RecordProperty("peak_mib", static_cast<int>(usage.ru_maxrss >> 10));
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer keeps freed memory";
#endif
  EXPECT_LT(usage.ru_maxrss, 300 << 10);
}

}  // namespace
}  // namespace lens::analysis::metrics
