#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "input/data/description.h"

namespace lens::data {

// What a user says of a data set beyond its name and place.
struct Wishes {
  std::map<std::string, std::string> columns;  // by role: image, question, ...
  std::optional<std::string> question;
  std::optional<ScoreRule> score;
};

struct Described {
  Description description;
  std::vector<std::string> notes;  // what was guessed, a line each
  bool id_is_guessed = false;
};

// The roles of columns, as --columns spells them.
inline constexpr const char* kRoles[] = {"image", "question", "answer",
                                         "language", "id"};
std::string& column_of(Columns& columns, const std::string& role);

// A preset of that name with the wishes in place of its own; for another name
// the columns of `file` by their usual names, where no wish says them. Throws
// lens::InputError where there is no image, or nothing to ask.
Described describe(const std::string& name, const std::filesystem::path& file,
                   const Wishes& wishes);

}  // namespace lens::data
