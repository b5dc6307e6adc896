#include "model/qwen2_5_vl/qwen2_5_vl.h"

#include "model/qwen/vl_model.h"
#include "model/qwen2_5_vl/config.h"
#include "model/qwen2_5_vl/vision.h"

namespace lens::model::qwen2_5_vl {

std::unique_ptr<const Model> open(const std::filesystem::path& checkpoint,
                                  at::ScalarType dtype, at::Device device,
                                  const Ranks& ranks) {
  const Config config = load_config(checkpoint);
  return qwen::open(
      checkpoint, config,
      [&](const qwen::Loader& load) { return load_tower(load, config); }, dtype,
      device, ranks);
}

}  // namespace lens::model::qwen2_5_vl
