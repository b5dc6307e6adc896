#include "model/qwen2_5_vl/description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/checkpoint/checkpoint_files.h"
#include "tests/model/tiny_checkpoint.h"

namespace lens::model::qwen2_5_vl {
namespace {

using ::testing::ElementsAre;

// docs/budgets.md names these numbers.
TEST(PublishedWindowed, HaveTheValuesOfTheOfficialModels) {
  std::vector<std::string> names;
  std::vector<std::int64_t> values;
  for (const PublishedModel& model : published()) {
    names.push_back(model.name);
    values.push_back(model.spreads.front().values);
  }
  EXPECT_THAT(names, ElementsAre("3B", "7B", "32B", "72B"));
  EXPECT_THAT(values, ElementsAre(3'754'622'976, 8'292'166'656, 33'452'718'336,
                                  73'410'777'344));
}

TEST(DescribeWindowed, TensorsAreThoseOfACheckpointThatTransformersLoads) {
  const TensorTable asked = describe(tiny_windowed_checkpoint()).tensors;
  const CheckpointFiles files(tiny_windowed_checkpoint(), asked);
  for (const auto& [name, tensor] : files.tensors()) {
    EXPECT_EQ(tensor.entry.shape, asked.shapes.at(name)) << name;
  }
  EXPECT_EQ(files.values(), asked.values());
  EXPECT_FALSE(asked.shapes.contains("visual.blocks.0.norm1.bias"));
  EXPECT_EQ(asked.official_name("model.visual.blocks.0.mlp.up_proj.bias"),
            "visual.blocks.0.mlp.up_proj.bias");
}

}  // namespace
}  // namespace lens::model::qwen2_5_vl
