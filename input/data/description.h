#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "input/data/score.h"

namespace lens::data {

// The names of a data set's columns, "" where it has none. Where question and
// answer name one column, each of its values is a list of pairs of both.
struct Columns {
  std::string image;
  std::string question;
  std::string answer;
  std::string language;
  std::string id;

  bool operator==(const Columns&) const = default;
};

// All that Lens has to know of a data set: where its rows hold what, what the
// model is asked, and how its answers are scored.
struct Description {
  Columns columns;
  std::string question;  // asked where the rows hold none
  std::string prompt;    // template; "{question}" is replaced
  ScoreRule score = ScoreRule::kNone;
  // What a row without its answer is said to lack.
  std::string answer_noun = "answer";

  // Whether a row may hold several samples.
  bool has_pairs() const {
    return !columns.question.empty() && columns.question == columns.answer;
  }
  bool operator==(const Description&) const = default;
};

// A data set that is known by its name.
struct Preset {
  std::string_view name;
  Description description;
};

// All of them, in the order of their names.
std::span<const Preset> presets();

// Null where no preset has the name.
const Description* find_preset(std::string_view name);

// Throws lens::InputError that lists the names where there is no such preset.
const Description& preset(std::string_view name);

}  // namespace lens::data
