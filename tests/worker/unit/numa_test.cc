#include "worker/numa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace lens::worker {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

// Folders as Linux shows them.
class NumaTest : public testing::Test {
 protected:
  NumaTest()
      : folder_(fs::temp_directory_path() /
                ("lens-numa-" + std::to_string(getpid()))) {}
  ~NumaTest() override { fs::remove_all(folder_); }

  void write(const fs::path& file, const std::string& text) {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text << '\n';
  }

  const fs::path folder_;
};

TEST(CoreList, ReadsNumbersAndRanges) {
  EXPECT_THAT(parse_core_list("0-2,8,10-11"), ElementsAre(0, 1, 2, 8, 10, 11));
  for (const char* bad : {"", "a", "3-1", "1-", "-1", "1,,2", "0-999999999"})
    EXPECT_THAT(parse_core_list(bad), IsEmpty()) << bad;
}

TEST_F(NumaTest, NodesHoldTheCoresThatThisProcessMayUse) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  int first = 0;
  while (!CPU_ISSET(first, &allowed)) ++first;
  write("node0/cpulist", std::to_string(first));
  write("node1/cpulist", std::to_string(CPU_SETSIZE - 1));
  write("has_cpu", "0-1");
  const NodeCores cores = allowed_cores(folder_);
  ASSERT_EQ(cores.size(), 1u);
  EXPECT_THAT(cores.at(0), ElementsAre(first));
  EXPECT_TRUE(allowed_cores(folder_ / "none").empty());
}

TEST(NodeOfRank, RanksTakeTheNodesInEqualRuns) {
  const NodeCores cores = {{0, {0, 1, 2, 3}}, {2, {4, 5, 6, 7}}};
  std::vector<int> nodes;
  for (int rank = 0; rank < 4; ++rank)
    nodes.push_back(node_of_rank(cores, {.local_rank = rank,
                                         .local_size = 4,
                                         .threads = 2,
                                         .near_node = {}})
                        .value_or(-1));
  EXPECT_THAT(nodes, ElementsAre(0, 0, 2, 2));
}

TEST(NodeOfRank, AGpusNodeComesFirst) {
  const NodeCores cores = {{0, {0, 1}}, {1, {2, 3}}};
  EXPECT_EQ(node_of_rank(cores, {0, 2, 1, 1}), 1);
  EXPECT_EQ(node_of_rank(cores, {0, 2, 1, 7}), std::nullopt);
}

TEST(NodeOfRank, NothingIsBoundWhereThatWouldHurt) {
  const NodeCores one = {{0, {0, 1, 2, 3}}};
  EXPECT_EQ(node_of_rank(one, {0, 1, 1, {}}), std::nullopt);
  // Two ranks of three threads do not fit four cores.
  const NodeCores two = {{0, {0, 1, 2, 3}}, {1, {4, 5, 6, 7}}};
  EXPECT_EQ(node_of_rank(two, {0, 4, 3, {}}), std::nullopt);
  EXPECT_EQ(node_of_rank(two, {0, 1, 5, {}}), std::nullopt);
}

TEST(StayOn, HoldsForThisThreadAndThoseItStarts) {
  std::thread([] {
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int core = 0;
    while (!CPU_ISSET(core, &allowed)) ++core;
    stay_on({core});
    std::thread([core] {
      cpu_set_t now;
      ASSERT_EQ(sched_getaffinity(0, sizeof now, &now), 0);
      EXPECT_EQ(CPU_COUNT(&now), 1);
      EXPECT_TRUE(CPU_ISSET(core, &now));
    }).join();
  }).join();
}

TEST_F(NumaTest, APciDeviceTellsItsNode) {
  write("0000:3b:00.0/numa_node", "1");
  write("0000:5e:00.0/numa_node", "-1");
  EXPECT_EQ(node_of_pci_device("0000:3B:00.0", folder_), 1);
  EXPECT_EQ(node_of_pci_device("0000:5E:00.0", folder_), std::nullopt);
  EXPECT_EQ(node_of_pci_device("0000:00:00.0", folder_), std::nullopt);
}

}  // namespace
}  // namespace lens::worker
