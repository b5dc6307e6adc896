#include "model/qwen2_vl/description.h"

#include "model/qwen2_vl/config.h"

namespace lens::model::qwen2_vl {

Description describe(const std::filesystem::path& checkpoint) {
  return qwen::describe(load_config(checkpoint));
}

std::vector<qwen::NamedConfig> published_configs() {
  const auto of = [](const qwen::TextSizes& sizes) {
    return qwen::published_config(default_tower(), sizes);
  };
  return {{"2B", of({1536, 28, 12, 2, 8960, 151936, true})},
          {"7B", of({3584, 28, 28, 4, 18944, 152064})},
          {"72B", of({8192, 80, 64, 8, 29568, 152064})}};
}

std::vector<PublishedModel> published() {
  return qwen::published(published_configs());
}

}  // namespace lens::model::qwen2_vl
