#include "model/open_model.h"

#include <map>
#include <string_view>

#include "model/families.h"
#include "model/qwen2_5_vl/qwen2_5_vl.h"
#include "model/qwen2_vl/qwen2_vl.h"

namespace lens::model {
namespace {

using Open = std::unique_ptr<const Model> (*)(const std::filesystem::path&,
                                              at::ScalarType, at::Device,
                                              const Ranks&);

// The half of families() that needs torch, by model_type.
const std::map<std::string_view, Open> kOpen = {
    {"qwen2_vl", qwen2_vl::open}, {"qwen2_5_vl", qwen2_5_vl::open}};

}  // namespace

std::unique_ptr<const Model> open_model(const std::filesystem::path& checkpoint,
                                        at::ScalarType dtype, at::Device device,
                                        const Ranks& ranks) {
  return kOpen.at(family_of(checkpoint).model_type)(checkpoint, dtype, device,
                                                    ranks);
}

}  // namespace lens::model
