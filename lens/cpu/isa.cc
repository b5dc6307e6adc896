#include "lens/cpu/isa.h"

#include <algorithm>
#include <string>

#include "base/error.h"

#ifdef LENS_X86_KERNELS
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace lens::readout::cpu {
namespace {

#ifdef LENS_X86_KERNELS

// Intel SDM, CPUID leaf 7: AMX-BF16 and AMX-TILE.
bool cpu_has_tiles() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr unsigned kBoth = 1U << 22 | 1U << 24;
  return (edx & kBoth) == kBoth;
}

// Linux gives the registers of tiles only to a process that asked for them
// (Documentation/arch/x86/xstate.rst); where the system knows nothing of them,
// neither does it keep them over a change of threads.
bool system_gives_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

std::vector<const Kernel*> find_kernels() {
  std::vector<const Kernel*> found;
  __builtin_cpu_init();
  const bool avx512 =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx512 && cpu_has_tiles() && system_gives_tiles()) {
    found.push_back(&kAmx);
  }
  if (avx512 && __builtin_cpu_supports("avx512bf16")) {
    found.push_back(&kAvx512Bf16);
  }
  if (avx512) found.push_back(&kAvx512);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    found.push_back(&kAvx2);
  }
  found.push_back(&kPortable);
  return found;
}

#else

std::vector<const Kernel*> find_kernels() { return {&kPortable}; }

#endif

}  // namespace

const std::vector<const Kernel*>& kernels_here() {
  static const std::vector<const Kernel*> kernels = find_kernels();
  return kernels;
}

const Kernel& choose_kernel(bool bfloat16, std::int64_t hidden_size,
                            std::string_view isa) {
  const auto& kernels = kernels_here();
  auto first = kernels.begin();
  if (!isa.empty()) {
    first = std::find_if(kernels.begin(), kernels.end(),
                         [&](const Kernel* each) { return each->name == isa; });
  }
  if (first == kernels.end()) {
    std::string here;
    for (const Kernel* each : kernels) {
      here.append(here.empty() ? "" : ", ").append(each->name);
    }
    throw InputError("LENS_ISA=" + std::string(isa) + " cannot be used",
                     "this machine runs " + here, "name one of these");
  }
  const auto fits = [&](const Kernel* each) {
    return hidden_size % each->depth_step == 0 && (bfloat16 || !each->bfloat16);
  };
  return **std::find_if(first, kernels.end(), fits);
}

}  // namespace lens::readout::cpu
