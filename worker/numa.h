#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lens::worker {

// The cores that this process may use, by NUMA node. A node without one is left
// out; a machine that tells no nodes has none.
using NodeCores = std::map<int, std::vector<int>>;

// `nodes` holds node0/cpulist and so on, as Linux shows them.
NodeCores allowed_cores(
    const std::filesystem::path& nodes = "/sys/devices/system/node");

// The cores of a list such as "0-3,8,10-11"; what is no such list gives none.
std::vector<int> parse_core_list(const std::string& list);

// One of the workers of a host.
struct RankPlace {
  int local_rank = 0;
  int local_size = 1;
  int threads = 1;               // compute threads of each
  std::optional<int> near_node;  // where its GPU is attached
};

// The node that a rank stays on, so that its memory is near its cores: its
// GPU's, else ranks take the nodes in equal runs. Within a node the kernel
// places threads. nullopt, leave all as it is: there are not two nodes, or the
// ranks of the node would have fewer cores than threads (a launcher that binds
// each rank to cores of its own gives this answer, too).
std::optional<int> node_of_rank(const NodeCores& cores, const RankPlace& place);

// Lets this thread, and those that it starts, run on these cores alone. Best
// effort: a kernel that refuses is obeyed.
void stay_on(const std::vector<int>& cores);

// The node a PCI device is attached to, by its id ("0000:3B:00.0"); nullopt
// where that is not known.
std::optional<int> node_of_pci_device(
    std::string id,
    const std::filesystem::path& devices = "/sys/bus/pci/devices");

}  // namespace lens::worker
