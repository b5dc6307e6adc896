#include "lens/image_attention.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

namespace lens::readout {
namespace {

constexpr std::int64_t kImage = 9;
constexpr int kBlocks = 2;

model::Shape shape() {
  model::Shape shape;
  shape.num_layers = kBlocks;
  shape.image_token_id = kImage;
  return shape;
}

// Two prompts of five and four tokens, whose pictures are places 1, 2 and 2.
std::vector<engine::Prompt> prompts() {
  return {{.ids = {1, kImage, kImage, 2, 3}, .picture = 0, .wanted = {}},
          {.ids = {1, 4, kImage, 2}, .picture = 1, .wanted = {}}};
}

model::Site site(int block) {
  return {model::Site::Kind::kLastAttention, block};
}

void show(ImageAttention& attention, int block,
          std::vector<model::Segment> segments, at::Tensor value) {
  const std::vector<std::int64_t> ids(segments.size());
  // As a pass shows it: of the last token alone.
  for (model::Segment& segment : segments) {
    segment.past += segment.length - 1;
    segment.length = 1;
  }
  attention.visit(site(block), {ids, segments}, value);
}

TEST(ImageAttention, IsTheMassOnThePictureByItsDefinition) {
  const auto given = prompts();
  ImageAttention attention(given, shape());
  EXPECT_TRUE(attention.wants(site(0)));
  EXPECT_FALSE(attention.wants({model::Site::Kind::kResidual, 0}));
  // Two heads each; the second sequence is shorter.
  const at::Tensor value =
      at::tensor({0.1F, 0.2F, 0.3F, 0.2F, 0.2F, 0.5F, 0.1F, 0.1F, 0.2F, 0.1F,
                  0.2F, 0.2F, 0.6F, 0.0F, 0.0F, 0.4F, 0.4F, 0.2F, 0.0F, 0.0F})
          .view({2, 2, 5});
  show(attention, 0, {{0, 0, 5, {0, 1}}, {1, 0, 4, {1, 1}}}, value);
  const ImageAttention::Row first = attention.row(0, 0);
  EXPECT_FLOAT_EQ(first.mean[0], (0.5F + 0.2F) / 2);
  EXPECT_FLOAT_EQ(first.largest[0], 0.5F);
  // Heads averaged: 0.15 and 0.2.
  const double a = 0.15 / 0.35;
  const double b = 0.2 / 0.35;
  EXPECT_NEAR(first.entropy[0], -a * std::log(a) - b * std::log(b), 1e-6);
  EXPECT_FLOAT_EQ(attention.row(1, 0).mean[0], 0.4F);
  EXPECT_FLOAT_EQ(attention.row(1, 0).largest[0], 0.6F);
  // One token of a picture: nothing to choose among.
  EXPECT_FLOAT_EQ(attention.row(1, 0).entropy[0], 0);
}

TEST(ImageAttention, TokensOfAnAnswerHaveARowForEachBlock) {
  const auto given = prompts();
  ImageAttention attention(given, shape());
  const auto all_on = [](int place, int width) {
    at::Tensor value = at::zeros({1, 1, width});
    value[0][0][place] = 1;
    return value;
  };
  for (int block = 0; block < kBlocks; ++block) {
    show(attention, block, {{0, 0, 5, {0, 1}}}, all_on(1, 5));
  }
  for (int block = 0; block < kBlocks; ++block) {
    show(attention, block, {{0, 5, 1, {0, 1}}}, all_on(block == 1 ? 2 : 4, 6));
  }
  EXPECT_EQ(attention.row(0, 0).mean[1], 1);
  EXPECT_EQ(attention.row(0, 1).mean[0], 0);
  EXPECT_EQ(attention.row(0, 1).entropy[0], 0);
  EXPECT_EQ(attention.row(0, 1).mean[1], 1);
  EXPECT_THROW(attention.row(0, 2), std::out_of_range);
  EXPECT_THROW(attention.row(1, 0), std::out_of_range);
}

// A beginning that prompts share, and a stretch that ends within a prompt.
TEST(ImageAttention, WhatPredictsNoAnswerIsNotKept) {
  const auto given = prompts();
  ImageAttention attention(given, shape());
  at::Tensor value = at::full({1, 1, 4}, 0.25);
  show(attention, 0, {{0, 0, 4, {0, 2}}}, value);
  show(attention, 0, {{0, 0, 4, {0, 1}}}, value);
  EXPECT_THROW(attention.row(0, 0), std::out_of_range);
}

}  // namespace
}  // namespace lens::readout
