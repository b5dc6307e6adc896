#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "input/data/description.h"
#include "input/data/row.h"

namespace lens::data {

// What a row holds in the columns in use; null where it holds nothing. Strings
// are any bytes.
struct Cells {
  nlohmann::json image;  // the name of a picture, where the row names one
  nlohmann::json question;
  nlohmann::json answer;
  nlohmann::json language;
  nlohmann::json id;
  std::string damage = {};  // why the row as a whole cannot be read
};

// What they say; `id` and `failure` as in Row.
struct Labels {
  std::string id;
  std::string language;
  std::vector<Row::Question> questions;
  std::string failure;
};

// Never throws for what a cell holds: that fails its row alone.
Labels make_labels(const Description& description, const Cells& cells);

}  // namespace lens::data
