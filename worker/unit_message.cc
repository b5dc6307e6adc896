#include "worker/unit_message.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace lens::worker {
namespace {

using Json = nlohmann::json;

Json json_of(const image::FittedImage& image) {
  return {{"height", image.pixels.height},
          {"width", image.pixels.width},
          {"grid", {image.grid_height, image.grid_width}},
          {"source", {image.source_height, image.source_width}},
          {"pixels", Json::binary(image.pixels.pixels)}};
}

image::FittedImage image_of(const Json& json) {
  image::FittedImage image;
  image.pixels.height = json.at("height");
  image.pixels.width = json.at("width");
  image.pixels.pixels = json.at("pixels").get_binary();
  image.grid_height = json.at("grid").at(0);
  image.grid_width = json.at("grid").at(1);
  image.source_height = json.at("source").at(0);
  image.source_width = json.at("source").at(1);
  return image;
}

Json json_of(const PreparedSample& sample) {
  std::vector<std::uint8_t> roles;
  for (const storage::TokenRole role : sample.prompt.roles) {
    roles.push_back(static_cast<std::uint8_t>(role));
  }
  return {{"id", sample.record.sample_id},
          {"failed", sample.record.status != storage::SampleStatus::kOk},
          {"image", sample.image},
          {"ids", sample.prompt.ids},
          {"roles", Json::binary(std::move(roles))}};
}

PreparedSample sample_of(const Json& json) {
  PreparedSample sample;
  sample.record.sample_id = json.at("id");
  sample.record.status = json.at("failed") ? storage::SampleStatus::kFailed
                                           : storage::SampleStatus::kOk;
  sample.image = json.at("image");
  sample.prompt.ids = json.at("ids").get<std::vector<std::int64_t>>();
  for (const std::uint8_t role : json.at("roles").get_binary()) {
    sample.prompt.roles.push_back(static_cast<storage::TokenRole>(role));
  }
  return sample;
}

}  // namespace

std::vector<std::uint8_t> encode(const UnitMessage& message) {
  const storage::Unit& unit = message.prepared.unit;
  Json json = {
      {"alone", message.alone},
      {"lease", {message.prepared.lease.epoch, message.prepared.lease.number}},
      {"index", unit.index},
      {"dataset", unit.dataset},
      {"rows", {unit.row_begin, unit.row_end}},
      {"first_sample", unit.first_sample},
      {"images", Json::array()},
      {"samples", Json::array()}};
  for (const image::FittedImage& image : message.prepared.images) {
    json["images"].push_back(json_of(image));
  }
  for (const PreparedSample& sample : message.prepared.samples) {
    json["samples"].push_back(json_of(sample));
  }
  return Json::to_cbor(json);
}

UnitMessage decode(std::span<const std::uint8_t> bytes) {
  const Json json = Json::from_cbor(bytes.begin(), bytes.end());
  UnitMessage message;
  message.alone = json.at("alone");
  message.prepared.lease = {.epoch = json.at("lease").at(0),
                            .number = json.at("lease").at(1)};
  storage::Unit& unit = message.prepared.unit;
  unit.index = json.at("index");
  unit.dataset = json.at("dataset");
  unit.row_begin = json.at("rows").at(0);
  unit.row_end = json.at("rows").at(1);
  unit.first_sample = json.at("first_sample");
  for (const Json& image : json.at("images")) {
    message.prepared.images.push_back(image_of(image));
  }
  for (const Json& sample : json.at("samples")) {
    message.prepared.samples.push_back(sample_of(sample));
  }
  unit.samples = static_cast<std::int64_t>(message.prepared.samples.size());
  return message;
}

}  // namespace lens::worker
