// The lens against the matrix product that it contains, on one device.
//
//   lens_gemm [--device cpu|cuda] [--dtype float32|bfloat16] [--tokens N]
//             [--states N] [--hidden N] [--vocabulary N] [--rounds N]
//
// Times, in turns, fastest_backend() over random states and a plain product of
// the same rows with the same head, chunk by chunk so that it fits any memory.
// Prints the median of each and their ratio, which is what the lens costs above
// the product that nobody can avoid.

#include <ATen/core/Generator.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "bench/flags.h"
#include "bench/timing.h"
#include "lens/readout.h"

namespace {

using namespace lens;  // NOLINT: this file is the program
using bench::fail;
using bench::median;
using bench::seconds;

constexpr std::int64_t kChunkRows = 2048;
constexpr int kTopK = 5;
constexpr int kScripts = 9;

int measure(bench::Flags& flags) {
  const auto number = [&](const char* name) {
    const std::int64_t value = std::atoll(flags[name].c_str());
    if (value < 1) fail(std::string(name) + " must be a number above 0");
    return value;
  };
  const std::int64_t tokens = number("--tokens"), states = number("--states"),
                     hidden = number("--hidden"),
                     vocabulary = number("--vocabulary"),
                     rounds = number("--rounds");
  const at::Device device = bench::open_device(flags["--device"]);
  const at::ScalarType dtype =
      flags["--dtype"] == "bfloat16" ? at::kBFloat16 : at::kFloat;
  const c10::InferenceMode inference;
  const auto options = at::TensorOptions().dtype(dtype).device(device);

  readout::Head head;
  head.norm_weight = at::ones({hidden}, options);
  head.weight = at::randn({vocabulary, hidden}, options).mul_(0.02);
  head.script_class =
      at::randint(0, kScripts, {vocabulary},
                  at::TensorOptions().dtype(at::kLong).device(device));
  head.scripts = kScripts;
  const at::Tensor rows = at::randn({tokens, states, hidden}, options);
  const at::Tensor targets =
      at::randint(0, vocabulary, {tokens},
                  at::TensorOptions().dtype(at::kLong).device(device));

  const auto backend = readout::fastest_backend(head, kTopK);
  const at::Tensor flat = rows.reshape({-1, hidden});
  const auto product = [&] {
    for (std::int64_t begin = 0; begin < flat.size(0); begin += kChunkRows) {
      const std::int64_t end = std::min(begin + kChunkRows, flat.size(0));
      at::matmul(flat.slice(0, begin, end), head.weight.t());
    }
  };
  const auto lens = [&] { backend->read(rows, targets); };
  lens();  // warm: kernels are loaded and measured against the reference
  product();
  std::vector<double> of_lens, of_product;
  for (std::int64_t round = 0; round < rounds; ++round) {
    of_lens.push_back(seconds(device, lens));
    of_product.push_back(seconds(device, product));
  }
  const double flop = 2.0 * static_cast<double>(flat.size(0)) *
                      static_cast<double>(hidden) *
                      static_cast<double>(vocabulary);
  std::printf(
      "%s %s, %lld tokens x %lld states, hidden %lld, vocabulary %lld: lens "
      "%.4f s (%.3g TFLOP/s), product %.4f s (%.3g TFLOP/s), ratio %.2f\n",
      flags["--device"].c_str(), flags["--dtype"].c_str(),
      static_cast<long long>(tokens), static_cast<long long>(states),
      static_cast<long long>(hidden), static_cast<long long>(vocabulary),
      median(of_lens), flop / median(of_lens) * 1e-12, median(of_product),
      flop / median(of_product) * 1e-12, median(of_lens) / median(of_product));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // The shape of Qwen2-VL-2B.
  bench::Flags flags = bench::read_flags(argc, argv,
                                         {{"--device", "cpu"},
                                          {"--dtype", "bfloat16"},
                                          {"--tokens", "64"},
                                          {"--states", "29"},
                                          {"--hidden", "1536"},
                                          {"--vocabulary", "151936"},
                                          {"--rounds", "5"}},
                                         "bench/lens_gemm.cc");
  try {
    return measure(flags);
  } catch (const std::exception& error) {
    fail(error.what());
  }
}
