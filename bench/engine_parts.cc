// The parts of the engine on one device, against what bounds them.
//
//   engine_parts --model DIR [--device cpu|cuda] [--dtype float32|bfloat16]
//                [--rounds N] [--small 1]
//
// Times the vision tower over packs of images, prefill over packs of prompts,
// and decode steps at several numbers of slots, each alone; beside prefill and
// decode stands the time that their products (at the rate of a large product,
// measured in the same run) and their bytes (at the rate of a large copy)
// would take. A decode step is also timed with observers, beside one without in
// the same rounds. --small 1: sizes for a try on a CPU.

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "bench/flags.h"
#include "bench/timing.h"
#include "engine/token_choice.h"
#include "model/kv_cache.h"
#include "model/open_model.h"

namespace {

using namespace lens;  // NOLINT: this file is the program
using bench::median_seconds;

constexpr int kPatchDim = 3 * 2 * 14 * 14;

// Looks at nothing, or at one kind of site in all layers; asks whose the rows
// are.
class Looker : public model::Observer {
 public:
  explicit Looker(std::optional<model::Site::Kind> kind) : kind_(kind) {}

  bool wants(model::Site site) const override { return site.kind == kind_; }
  void visit(model::Site, const model::Rows& rows, at::Tensor&) override {
    rows_ += model::list_rows(rows).size();
  }

 private:
  const std::optional<model::Site::Kind> kind_;
  std::size_t rows_ = 0;
};

class Parts {
 public:
  Parts(const std::string& checkpoint, at::Device device, at::ScalarType dtype,
        int rounds, bool small)
      : device_(device),
        dtype_(dtype),
        rounds_(rounds),
        small_(small),
        model_(model::open_model(checkpoint, dtype, device)) {
    const model::Shape& shape = model_->shape();
    const std::int64_t kv = 2 * shape.num_kv_heads * shape.head_dim;
    layers_ = std::int64_t{shape.num_layers} *
              (std::int64_t{shape.hidden_size} *
               (2 * shape.hidden_size + kv + 3 * shape.mlp_size));
  }

  void run() {
    measure_limits();
    for (const auto& [count, side] :
         small_
             ? Pairs{{1, 8}, {4, 8}}
             : Pairs{{1, 8}, {64, 8}, {128, 14}, {1, 32}, {32, 32}, {8, 64}}) {
      tower(count, side);
    }
    for (const auto& [count, length] :
         small_ ? Pairs{{1, 64}, {4, 64}}
                : Pairs{{1, 300}, {32, 64}, {32, 300}, {16, 1024}}) {
      prefill(count, length);
    }
    for (const auto& [slots, context] : small_ ? Pairs{{1, 64}, {8, 64}}
                                               : Pairs{{1, 100},
                                                       {32, 100},
                                                       {256, 100},
                                                       {1, 400},
                                                       {64, 400},
                                                       {256, 400}}) {
      decode(slots, context);
      observed(slots, context);
    }
  }

 private:
  using Pairs = std::vector<std::pair<int, int>>;

  at::TensorOptions options() const {
    return at::TensorOptions().dtype(dtype_).device(device_);
  }

  void measure_limits() {
    const std::int64_t n = small_ ? 1024 : 8192;
    const at::Tensor a = at::randn({n, n}, options());
    const at::Tensor b = at::randn({n, n}, options());
    product_rate_ = 2.0 * static_cast<double>(n * n * n) /
                    median_seconds(device_, rounds_, [&] { at::matmul(a, b); });
    const std::int64_t bytes = std::int64_t{small_ ? 1 : 16} << 26;
    const at::Tensor from = at::empty({bytes}, options().dtype(at::kByte));
    at::Tensor to = at::empty_like(from);
    copy_rate_ = 2.0 * static_cast<double>(bytes) /
                 median_seconds(device_, rounds_, [&] { to.copy_(from); });
    std::printf("limits: product %.3g TFLOP/s, copy %.0f GB/s\n",
                product_rate_ * 1e-12, copy_rate_ * 1e-9);
  }

  void tower(int count, int side) {
    const std::vector<model::Grid> grids(count, {side, side});
    const at::Tensor patches =
        at::randn({std::int64_t{count} * side * side, kPatchDim},
                  at::TensorOptions().dtype(at::kFloat));
    const double time = median_seconds(
        device_, rounds_, [&] { model_->image_features(patches, grids); });
    std::printf("tower   %3d images of %4d patches: %8.2f ms, %.0f patches/s\n",
                count, side * side, time * 1e3, count * side * side / time);
  }

  // One token, then 2, 3, ... : any ids serve.
  model::Batch batch(int sequences, std::int64_t past, std::int64_t length) {
    model::Batch batch;
    batch.positions.resize(3);
    for (int s = 0; s < sequences; ++s) {
      batch.segments.push_back({s, past, length, {s, 1}});
      for (std::int64_t i = 0; i < length; ++i) {
        batch.ids.push_back((s * 131 + i * 17) % 1000);
        for (auto& axis : batch.positions) axis.push_back(past + i);
      }
    }
    return batch;
  }

  void prefill(int count, int length) {
    model::KvCache cache(model_->shape(), count, length, options());
    const model::Batch all = batch(count, 0, length);
    const double time = median_seconds(
        device_, rounds_, [&] { model_->forward(all, cache, {}); });
    const double floor =
        2.0 * static_cast<double>(layers_) * count * length / product_rate_;
    std::printf(
        "prefill %3d prompts of %4d tokens: %8.2f ms, products alone %8.2f ms "
        "(%.2f)\n",
        count, length, time * 1e3, floor * 1e3, floor / time);
  }

  void decode(int slots, int context) {
    model::KvCache cache(model_->shape(), slots, context + 8, options());
    // Not all of one length: as in a real run there is something to mask.
    model::Batch step = batch(slots, context, 1);
    for (int s = 0; s < slots; ++s) step.segments[s].past -= s % 7;
    const engine::TokenChoice choice(model_->head(), 1.0);
    at::Tensor hidden;
    const double forward = median_seconds(
        device_, rounds_, [&] { hidden = model_->forward(step, cache, {}); });
    const std::vector<const engine::SeenIds*> seen(slots, nullptr);
    const double choose =
        median_seconds(device_, rounds_, [&] { choice.choose(hidden, seen); });
    const double width = static_cast<double>(c10::elementSize(dtype_));
    const double weights =
        width * static_cast<double>(layers_ + model_->head().weight.numel());
    const double keys = static_cast<double>(model::KvCache::bytes_per_token(
                            model_->shape(), dtype_)) *
                        slots * context;
    const double floor = (weights + keys) / (copy_rate_);
    std::printf(
        "decode  %3d slots, context %4d: forward %7.2f ms + choice %7.2f ms; "
        "bytes alone %7.2f ms (%.2f), %.0f tokens/s\n",
        slots, context, forward * 1e3, choose * 1e3, floor * 1e3,
        floor / (forward + choose), slots / (forward + choose));
  }

  // The same step with observers: what one costs that wants nothing, and one
  // that asks for the rows of every layer. All are timed in turn, since a
  // machine's speed drifts more than they cost.
  void observed(int slots, int context) {
    model::KvCache cache(model_->shape(), slots, context + 8, options());
    const model::Batch step = batch(slots, context, 1);
    Looker nothing(std::nullopt);
    Looker rows(model::Site::Kind::kMlpOutput);
    std::array<std::vector<double>, 3> times;
    for (int round = -1; round < rounds_; ++round) {
      const std::array<std::vector<model::Observer*>, 3> observers = {
          {{}, {&nothing}, {&rows}}};
      for (std::size_t i = 0; i < observers.size(); ++i) {
        const double time = bench::seconds(
            device_, [&] { model_->forward(step, cache, observers[i]); });
        if (round >= 0) times[i].push_back(time);
      }
    }
    const double none = bench::median(times[0]);
    std::printf(
        "observe %3d slots, context %4d: nobody %7.3f ms, wants nothing "
        "x%.4f, lists the rows of each MLP x%.4f\n",
        slots, context, none * 1e3, bench::median(times[1]) / none,
        bench::median(times[2]) / none);
  }

  // constant after construction
  const at::Device device_;
  const at::ScalarType dtype_;
  const int rounds_;
  const bool small_;
  const std::unique_ptr<const model::Model> model_;
  std::int64_t layers_ = 0;  // weights of the decoder's matrices

  double product_rate_ = 0;  // FLOP/s
  double copy_rate_ = 0;     // bytes/s, read and written
};

}  // namespace

int main(int argc, char** argv) {
  bench::Flags flags = bench::read_flags(argc, argv,
                                         {{"--model", ""},
                                          {"--device", "cpu"},
                                          {"--dtype", "bfloat16"},
                                          {"--rounds", "5"},
                                          {"--small", "0"}},
                                         "bench/engine_parts.cc");
  try {
    const c10::InferenceMode inference;
    Parts(flags["--model"], bench::open_device(flags["--device"]),
          flags["--dtype"] == "bfloat16" ? at::kBFloat16 : at::kFloat,
          std::max(1, std::atoi(flags["--rounds"].c_str())),
          flags["--small"] != "0")
        .run();
    return 0;
  } catch (const std::exception& error) {
    bench::fail(error.what());
  }
}
