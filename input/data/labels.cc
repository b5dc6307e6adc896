#include "input/data/labels.h"

#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "input/data/code_points.h"
#include "input/data/python_literal.h"

namespace lens::data {
namespace {

using Json = nlohmann::json;

// The end of a message: why a cell is not what is asked for.
std::string found(const std::string& column, const char* what) {
  return " (" + one_line(column, 60) + " is " + what + ")";
}

// The text of a cell. Throws lens::InputError that begins with `lacking` where
// it has none.
std::string text_of(const Json& cell, const std::string& column,
                    const std::string& lacking) {
  if (cell.is_null()) throw InputError(lacking + found(column, "null"));
  if (cell.is_number() || cell.is_boolean()) return cell.dump();
  if (!cell.is_string()) throw InputError(lacking + found(column, "no text"));
  const auto& text = cell.get_ref<const std::string&>();
  if (!is_utf8(text)) throw InputError(lacking + found(column, "not UTF-8"));
  return text;
}

// The text, or what its key `key` says where the cell is a struct.
std::string member_text(const Json& cell, const char* key,
                        const std::string& column, const std::string& lacking) {
  if (!cell.is_object()) return text_of(cell, column, lacking);
  return text_of(cell.contains(key) ? cell.at(key) : Json(), column + "." + key,
                 lacking);
}

// An answer alone, or a list of those that count as right.
std::vector<std::string> answers_of(const Json& cell, const std::string& column,
                                    const std::string& lacking) {
  if (!cell.is_array()) return {member_text(cell, "answer", column, lacking)};
  std::vector<std::string> answers;
  for (const Json& each : cell) {
    if (each.is_null()) continue;
    answers.push_back(member_text(each, "answer", column, lacking));
  }
  if (answers.empty())
    throw InputError(lacking + found(column, "an empty list"));
  return answers;
}

// A list of {question, answer}, or a Python literal of one as MTVQA has it.
std::vector<Row::Question> pairs_of(const Json& cell,
                                    const std::string& column) {
  if (cell.is_null()) throw InputError("no question" + found(column, "null"));
  std::vector<Row::Question> questions;
  if (cell.is_string()) {
    try {
      questions = parse_qa_pairs(cell.get_ref<const std::string&>());
    } catch (const InputError& error) {
      throw InputError(one_line(column, 60) +
                       " cannot be read: " + error.what());
    }
  } else if (cell.is_array()) {
    for (const Json& pair : cell) {
      if (!pair.is_object())
        throw InputError("no question" + found(column, "no list of pairs"));
      questions.push_back(
          {.question = member_text(pair, "question", column, "no question"),
           .answers =
               answers_of(pair.contains("answer") ? pair.at("answer") : Json(),
                          column + ".answer", "no answer")});
    }
  } else {
    throw InputError("no question" + found(column, "no list of pairs"));
  }
  if (questions.empty()) {
    throw InputError("no question" + found(column, "an empty list"));
  }
  return questions;
}

Row::Question question_of(const Description& description, const Cells& cells) {
  const Columns& columns = description.columns;
  Row::Question question{.question = description.question, .answers = {}};
  // Where every row is asked the same, one that says nothing is asked it too.
  if (!columns.question.empty() &&
      !(cells.question.is_null() && !description.question.empty())) {
    question.question =
        text_of(cells.question, columns.question, "no question");
  }
  // What no score needs may be missing.
  const bool is_wanted = description.score != ScoreRule::kNone;
  if (!columns.answer.empty() && (is_wanted || !cells.answer.is_null())) {
    question.answers = answers_of(cells.answer, columns.answer,
                                  "no " + description.answer_noun);
  }
  return question;
}

// What names a row in results and in messages: a short line.
std::string id_of(const Json& cell, const std::string& column) {
  constexpr std::size_t kMostPoints = 200;
  std::string id = text_of(cell, column, "no id");
  if (id.empty() || one_line(id, kMostPoints) != id) {
    throw InputError("no id" + found(column, "not one short line"));
  }
  return id;
}

}  // namespace

Labels make_labels(const Description& description, const Cells& cells) {
  const Columns& columns = description.columns;
  Labels labels;
  labels.failure = cells.damage;
  if (!labels.failure.empty()) return labels;
  try {
    if (!columns.id.empty()) labels.id = id_of(cells.id, columns.id);
    if (!cells.language.is_null()) {
      // As the column says it, for those who ask for this language alone.
      if (cells.language.is_string() &&
          !is_utf8(cells.language.get_ref<const std::string&>())) {
        throw InputError(one_line(columns.language, 60) + " is not UTF-8");
      }
      labels.language =
          text_of(cells.language, columns.language, "no language");
    }
    if (description.has_pairs()) {
      labels.questions = pairs_of(cells.question, columns.question);
    } else {
      labels.questions.push_back(question_of(description, cells));
    }
  } catch (const InputError& error) {
    labels.failure = error.what();
  }
  return labels;
}

}  // namespace lens::data
