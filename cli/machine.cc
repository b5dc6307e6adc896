#include "cli/machine.h"

#include <dlfcn.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <thread>

namespace lens::cli {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

int affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return std::max(1u, std::thread::hardware_concurrency());
}

// The value of a "Name:   123 kB" line of /proc/meminfo, in bytes.
std::int64_t meminfo_bytes(const std::string& text, const std::string& name) {
  const std::size_t at = text.find(name + ":");
  if (at == std::string::npos) return 0;
  return std::strtoll(text.c_str() + at + name.size() + 1, nullptr, 10) * 1024;
}

// The groups (cgroup v2) that limit this process: a batch system limits the job
// some levels above it, and every level holds.
std::vector<fs::path> control_groups() {
  const fs::path root = "/sys/fs/cgroup";
  std::vector<fs::path> groups = {root};
  fs::path group = root;
  for (const fs::path& name :
       fs::path(own_control_group(read_text("/proc/self/cgroup"))))
    groups.push_back(group /= name);
  return groups;
}

// Memory of the group that cannot be had back: files in the page cache can.
std::int64_t used_bytes(const fs::path& group) {
  const std::int64_t current =
      std::strtoll(read_text(group / "memory.current").c_str(), nullptr, 10);
  const std::string stat = "\n" + read_text(group / "memory.stat");
  const std::string key = "\ninactive_file ";
  const std::size_t at = stat.find(key);
  return at == std::string::npos
             ? current
             : current -
                   std::strtoll(stat.c_str() + at + key.size(), nullptr, 10);
}

void apply_limits(const fs::path& group, Machine& machine) {
  const int quota = parse_cpu_quota(read_text(group / "cpu.max"));
  if (quota > 0) machine.cores = std::min(machine.cores, quota);
  const std::int64_t bytes = std::strtoll(
      read_text(group / "memory.max").c_str(), nullptr, 10);  // "max": 0
  if (bytes <= 0) return;
  machine.memory_bytes = std::min(machine.memory_bytes, bytes);
  machine.available_bytes =
      std::min(machine.available_bytes,
               std::max<std::int64_t>(0, bytes - used_bytes(group)));
}

template <typename Function>
Function symbol(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

}  // namespace

CpuInfo parse_cpuinfo(std::string_view text) {
  CpuInfo info;
  std::istringstream lines{std::string(text)};
  std::string line;
  while (std::getline(lines, line)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string value = line.substr(std::min(colon + 2, line.size()));
    if (line.starts_with("model name") && info.model_name.empty())
      info.model_name = value;
    if (!line.starts_with("flags")) continue;
    std::istringstream flags(value);
    std::string flag;
    while (flags >> flag) {
      info.avx2 |= flag == "avx2";
      info.avx512f |= flag == "avx512f";
      info.avx512_bf16 |= flag == "avx512_bf16";
      info.amx_bf16 |= flag == "amx_bf16";
    }
    break;
  }
  return info;
}

int parse_cpu_quota(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::int64_t quota = 0, period = 0;
  if (!(stream >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::max<std::int64_t>(1, quota / period));
}

std::string own_control_group(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string line;
  while (std::getline(lines, line))
    if (line.starts_with("0::/")) return line.substr(4);
  return "";
}

std::vector<GpuInfo> parse_gpus(const std::string& text) {
  static const std::regex form(
      R"(\s*([1-9]\d{0,3})\s*[xX*]\s*(\d{1,5}(?:\.\d+)?)\s*(?:GB)?\s*)");
  std::smatch found;
  if (!std::regex_match(text, found, form)) return {};
  const auto bytes = static_cast<std::int64_t>(std::stod(found[2].str()) * 1e9);
  return {static_cast<std::size_t>(std::stoi(found[1].str())),
          GpuInfo{.name = "GPU", .memory_bytes = bytes}};
}

GpuReport probe_gpus() {
  GpuReport report;
  // Never closed: the driver does not bear being unloaded.
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    report.problem = "no NVIDIA driver (libcuda.so.1 is not installed)";
    return report;
  }
  const auto init = symbol<int (*)(unsigned)>(library, "cuInit");
  const auto count = symbol<int (*)(int*)>(library, "cuDeviceGetCount");
  const auto version = symbol<int (*)(int*)>(library, "cuDriverGetVersion");
  const auto name =
      symbol<int (*)(char*, int, int)>(library, "cuDeviceGetName");
  const auto memory =
      symbol<int (*)(std::size_t*, int)>(library, "cuDeviceTotalMem_v2");
  if (!init || !count) {
    report.problem = "libcuda.so.1 is not a CUDA driver";
    return report;
  }
  if (version) version(&report.driver_version);
  if (const int code = init(0); code != 0) {
    report.problem = "the CUDA driver does not start (cuInit: error " +
                     std::to_string(code) + ")";
    return report;
  }
  int devices = 0;
  if (count(&devices) != 0 || devices == 0) {
    report.problem = "the CUDA driver shows no device";
    return report;
  }
  for (int device = 0; device < devices; ++device) {
    GpuInfo gpu;
    char text[256] = "";
    if (name && name(text, sizeof text, device) == 0) gpu.name = text;
    std::size_t bytes = 0;
    if (memory && memory(&bytes, device) == 0)
      gpu.memory_bytes = static_cast<std::int64_t>(bytes);
    report.gpus.push_back(gpu);
  }
  return report;
}

Machine this_machine() {
  Machine machine;
  machine.cores = affinity_cores();
  const std::string meminfo = read_text("/proc/meminfo");
  machine.memory_bytes = meminfo_bytes(meminfo, "MemTotal");
  machine.available_bytes = meminfo_bytes(meminfo, "MemAvailable");
  for (const fs::path& group : control_groups()) apply_limits(group, machine);
  machine.cpu = parse_cpuinfo(read_text("/proc/cpuinfo"));
  machine.gpu = probe_gpus();
  return machine;
}

}  // namespace lens::cli
