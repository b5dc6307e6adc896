#include "worker/numa.h"

#include <sched.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <iterator>

namespace lens::worker {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

// All of `text`, a number from 0; -1 for anything else.
int parse_number(std::string_view text) {
  int value = -1;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end ? value : -1;
}

}  // namespace

std::vector<int> parse_core_list(const std::string& list) {
  std::vector<int> cores;
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::string_view item(list.data() + begin, end - begin);
    const std::size_t dash = item.find('-');
    const int first = parse_number(item.substr(0, dash));
    const int last = dash == std::string_view::npos
                         ? first
                         : parse_number(item.substr(dash + 1));
    if (first < 0 || last < first || last >= CPU_SETSIZE) return {};
    for (int core = first; core <= last; ++core) cores.push_back(core);
    begin = end + 1;
  }
  return cores;
}

NodeCores allowed_cores(const fs::path& nodes) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  NodeCores found;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return found;
  std::error_code ignored;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(nodes, ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("node")) continue;
    const int node = parse_number(std::string_view(name).substr(4));
    if (node < 0) continue;
    for (const int core : parse_core_list(first_line(entry.path() / "cpulist")))
      if (CPU_ISSET(core, &allowed)) found[node].push_back(core);
  }
  return found;
}

std::optional<int> node_of_rank(const NodeCores& cores,
                                const RankPlace& place) {
  if (cores.size() < 2) return std::nullopt;
  const auto nodes = static_cast<int>(cores.size());
  // Ranks r with r * nodes / local_size = i are those of the i-th node.
  const int index = place.local_rank * nodes / place.local_size;
  auto chosen = std::next(cores.begin(), std::min(index, nodes - 1));
  if (place.near_node) {
    chosen = cores.find(*place.near_node);
    if (chosen == cores.end()) return std::nullopt;
  }
  const int ranks_of_a_node = (place.local_size + nodes - 1) / nodes;
  const int needed = ranks_of_a_node * place.threads;
  if (static_cast<int>(chosen->second.size()) < needed) return std::nullopt;
  return chosen->first;
}

void stay_on(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(core, &set);
  sched_setaffinity(0, sizeof set, &set);
}

std::optional<int> node_of_pci_device(std::string id, const fs::path& devices) {
  std::transform(id.begin(), id.end(), id.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const int node = parse_number(first_line(devices / id / "numa_node"));
  return node < 0 ? std::nullopt : std::optional(node);
}

}  // namespace lens::worker
