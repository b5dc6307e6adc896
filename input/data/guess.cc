#include "input/data/guess.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "input/data/code_points.h"
#include "input/data/open_rows.h"

namespace lens::data {
namespace {

using Names = std::vector<std::string_view>;

// The usual names, the likelier first. Pairs stand in for a question column.
const Names kImageNames = {"image",      "img",  "picture",   "photo",
                           "image_path", "path", "file_name", "images"};
const Names kPairNames = {"qa_pairs", "qas", "qa", "questions"};
const Names kQuestionNames = {"question", "query", "prompt", "instruction",
                              "problem"};
const Names kAnswerNames = {"answers", "answer",  "label",  "target",
                            "text",    "caption", "formula"};
const Names kLanguageNames = {"language", "lang"};
const Names kIdNames = {"question_id", "questionId", "id", "sample_id"};

std::string guess(const std::vector<ColumnSketch>& columns,
                  const Names& names) {
  for (const std::string_view name : names) {
    if (std::ranges::count(columns, name, &ColumnSketch::name) == 1) {
      return std::string(name);
    }
  }
  return "";
}

std::string list_of(const std::vector<ColumnSketch>& columns) {
  std::string list;
  for (const ColumnSketch& column : columns) {
    list += (list.empty() ? "" : ", ") + column.name;
  }
  return "columns: " + (list.empty() ? "none" : one_line(list, 300));
}

// What was guessed, for the log.
std::string said(const std::string& name, const Columns& columns,
                 const Wishes& wishes) {
  std::string line;
  Columns copy = columns;
  for (const char* role : kRoles) {
    const std::string& column = column_of(copy, role);
    if (column.empty() || wishes.columns.contains(role)) continue;
    line += (line.empty() ? "" : ", ") + std::string(role) + "=" +
            one_line(column, 60);
  }
  return line.empty() ? ""
                      : "columns of " + name + " by their names: " + line +
                            "; others: --columns";
}

}  // namespace

std::string& column_of(Columns& columns, const std::string& role) {
  if (role == "image") return columns.image;
  if (role == "question") return columns.question;
  if (role == "answer") return columns.answer;
  if (role == "language") return columns.language;
  return columns.id;
}

Described describe(const std::string& name, const std::filesystem::path& file,
                   const Wishes& wishes) {
  Described described;
  Description& description = described.description;
  Columns& columns = description.columns;
  const auto apply = [&] {
    for (const auto& [role, column] : wishes.columns) {
      column_of(columns, role) = column;
    }
    if (wishes.question) description.question = *wishes.question;
    if (wishes.score) description.score = *wishes.score;
  };
  if (const Description* const known = find_preset(name)) {
    description = *known;
    apply();
    return described;
  }
  const std::vector<ColumnSketch> present = sketch_columns(file);
  const auto is_open = [&](const char* role) {
    return !wishes.columns.contains(role);
  };
  if (format_of(file) == "pictures") {
    columns.image = columns.id = kFileName;
  } else {
    columns.image = guess(present, kImageNames);
    if (is_open("question") && is_open("answer") && !wishes.question) {
      columns.question = columns.answer = guess(present, kPairNames);
    }
    if (columns.question.empty()) {
      if (!wishes.question) columns.question = guess(present, kQuestionNames);
      columns.answer = guess(present, kAnswerNames);
    }
    columns.language = guess(present, kLanguageNames);
    columns.id = guess(present, kIdNames);
    described.id_is_guessed = is_open("id") && !columns.id.empty();
  }
  apply();
  description.prompt = "{question}";
  if (!wishes.score) {
    description.score =
        columns.answer.empty() ? ScoreRule::kNone : ScoreRule::kContains;
  }
  if (columns.image.empty()) {
    throw InputError("no picture in the rows of " + name, list_of(present),
                     "say where with --columns " + name + ":image=COL");
  }
  if (columns.question.empty() && description.question.empty()) {
    throw InputError("no question in the rows of " + name, list_of(present),
                     "give --question " + name + "=TEXT, or --columns " + name +
                         ":question=COL");
  }
  if (const std::string line = said(name, columns, wishes); !line.empty()) {
    described.notes.push_back(line);
  }
  if (!wishes.score) {
    described.notes.push_back(
        "answers of " + name +
        (columns.answer.empty()
             ? " are not scored: no column has a reference"
             : " are scored by 'contains'; another rule: --score"));
  }
  return described;
}

}  // namespace lens::data
