#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lens::cli {

struct CpuInfo {
  std::string model_name;
  bool avx2 = false;
  bool avx512f = false;
  bool avx512_bf16 = false;
  bool amx_bf16 = false;

  // bfloat16 arithmetic in hardware; without it float32 is the faster choice.
  bool fast_bfloat16() const { return avx512_bf16 || amx_bf16; }
};

struct GpuInfo {
  std::string name;
  std::int64_t memory_bytes = 0;
};

struct GpuReport {
  std::vector<GpuInfo> gpus;
  int driver_version = 0;  // as cuDriverGetVersion: 13000 is CUDA 13.0
  std::string problem;     // why there is none; empty when gpus is not

  bool usable() const { return !gpus.empty(); }
};

// What planning needs to know of the host. A value, so that tests can make one.
struct Machine {
  int cores = 1;  // usable by this process: affinity and cgroup quotas
  std::int64_t memory_bytes = 0;     // of the host, or of a cgroup if less
  std::int64_t available_bytes = 0;  // free for a new process now
  CpuInfo cpu;
  GpuReport gpu;
};

// From the text of /proc/cpuinfo: the first processor speaks for all.
CpuInfo parse_cpuinfo(std::string_view text);

// "max 100000" or "150000 100000" (cgroup v2 cpu.max) as whole cores, at least
// 1; 0 where there is no limit or the text is not understood.
int parse_cpu_quota(std::string_view text);

// From the text of /proc/self/cgroup: the path of the process's group (v2)
// below the root, "" for the root itself or where there is none.
std::string own_control_group(std::string_view text);

// From "4 x 80 GB" (the unit may be left out): GPUs to ask about. Empty where
// it is no such text.
std::vector<GpuInfo> parse_gpus(const std::string& text);

// Asks the CUDA driver, loaded at run time: the program needs no CUDA library.
GpuReport probe_gpus();

Machine this_machine();

}  // namespace lens::cli
