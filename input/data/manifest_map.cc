#include "input/data/manifest_map.h"

#include "base/error.h"
#include "input/data/code_points.h"
#include "input/data/guess.h"

namespace lens::data {

Description description_of(const storage::RunConfig& config,
                           const std::string& name) {
  const auto map = config.data.find(name);
  if (map == config.data.end()) return preset(name);
  Description description;
  for (const auto& [role, column] : map->second.columns) {
    column_of(description.columns, role) = column;
  }
  description.question = map->second.question;
  description.prompt = "{question}";
  const auto rule = find_score_rule(map->second.score);
  if (!rule) {
    throw InputError(
        "unknown score '" + one_line(map->second.score, 60) + "' of " + name,
        "the manifest names it", "use the program that planned the run");
  }
  description.score = *rule;
  if (const Description* const known = find_preset(name)) {
    description.prompt = known->prompt;
    description.answer_noun = known->answer_noun;
  }
  return description;
}

void put_map(const std::string& name, const Description& description,
             storage::RunConfig& config) {
  const Description* const known = find_preset(name);
  if (known != nullptr && *known == description) return;
  storage::DatasetMap map;
  Columns columns = description.columns;
  for (const char* role : kRoles) {
    const std::string& column = column_of(columns, role);
    if (!column.empty()) map.columns[role] = column;
  }
  map.question = description.question;
  map.score = score_name(description.score);
  config.data[name] = map;
}

}  // namespace lens::data
