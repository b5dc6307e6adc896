// analysis_hostile_run RUN_DIR [CHECKPOINT]: writes a small run with texts that
// break careless tables: quotes, line ends, commas, right-to-left letters,
// split UTF-8, words that readers take for missing values. With CHECKPOINT the
// vocabulary is the one of its tokenizer, all of it.

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "base/storable_text.h"
#include "input/text/token_text.h"
#include "input/text/tokenizer.h"
#include "storage/manifest_file.h"
#include "storage/vocabulary_file.h"
#include "tests/storage/fixtures.h"

namespace lens {
namespace {

namespace fixtures = storage::fixtures;

const std::vector<std::string>& hostile_texts() {
  static const std::vector<std::string> texts = {
      "\"",      "\"\"",
      ",",       "a,b",
      "\n",      "\r\n",
      "\r",      "\t",
      " ",       "  two  ",
      "",        "$x_1$",
      "$$",      "NaN",
      "NA",      "null",
      "None",    "1e5",
      "0012",    "inf",
      "true",    "=1+1",
      "@SUM(1)", "'",
      "''",      "\\",
      "\\n",     "\\\"",
      "\\frac",  "#",
      ";",       "|",
      "%",       "שלום",
      "العربية", "\u202Eabc",
      "\u2028",  "日本語",
      "한국어",  "ไทย",
      "🙂",    "👩‍👩‍👧",
      "e\u0301", "\u0301",
      "\uFEFF",  "\xE4\xB8",
      "\xFF",    "a\"b,c\nd",
      "-",       std::string("\0", 1)};
  return texts;
}

storage::Vocabulary hostile_vocabulary() {
  storage::Vocabulary vocabulary = fixtures::make_vocabulary();
  for (std::size_t i = 0; i < hostile_texts().size(); ++i)
    vocabulary.token_text[i] = storable_text(hostile_texts()[i]);
  return vocabulary;
}

// One more id than the tokenizer knows, as in checkpoints of padded size.
storage::Vocabulary real_vocabulary(const std::string& checkpoint) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(checkpoint);
  storage::Vocabulary vocabulary;
  vocabulary.script_names = fixtures::make_vocabulary().script_names;
  for (std::int32_t id = 0; id <= static_cast<std::int32_t>(tokenizer.size());
       ++id) {
    vocabulary.token_text.push_back(text::display_text(tokenizer, id));
    vocabulary.token_script.push_back(
        static_cast<std::uint8_t>(id % fixtures::kScripts));
  }
  return vocabulary;
}

// The fixture draws ids below its own small number: they are spread over all.
void spread_ids(storage::UnitResult& result, std::int32_t vocabulary) {
  const std::int32_t step = vocabulary / fixtures::kVocabulary;
  for (std::int32_t& id : result.tokens.get<"token_id">()) id *= step;
  for (std::int32_t& id : result.tokens.get<"top_id">()) id *= step;
}

void make_hostile(storage::UnitResult& result, std::size_t& next) {
  const auto text = [&next] {
    return storable_text(hostile_texts()[next++ % hostile_texts().size()]);
  };
  for (storage::SampleRecord& sample : result.samples) {
    sample.prompt = text() + text();
    sample.reference = text();
    if (sample.status == storage::SampleStatus::kOk)
      sample.answer = text() + text() + text();
    else
      sample.failure = "why: " + text();
  }
}

void write_run(const std::string& folder, const std::string& checkpoint) {
  const storage::RunDirectory run(folder);
  const storage::Vocabulary vocabulary =
      checkpoint.empty() ? hostile_vocabulary() : real_vocabulary(checkpoint);
  storage::Manifest manifest =
      fixtures::make_manifest({.mtvqa_units = 5, .latex_units = 7});
  manifest.model.vocab_size =
      static_cast<std::int64_t>(vocabulary.token_text.size());
  manifest.run_id = storage::run_identity(manifest);
  storage::write_manifest(run.manifest(), manifest);
  storage::write_vocabulary(run.vocabulary(), vocabulary);
  std::vector<storage::CommittedPart> parts;
  std::size_t next = 0;
  for (const storage::Unit& unit : manifest.units) {
    storage::UnitResult result = fixtures::make_result(manifest, unit.index, 9);
    spread_ids(result, static_cast<std::int32_t>(manifest.model.vocab_size));
    if (checkpoint.empty()) make_hostile(result, next);
    const auto number = static_cast<std::uint64_t>(unit.index) + 1;
    parts.push_back(
        {.unit = unit.index,
         .receipt = storage::write_part(
             run.root(), run.part(unit.dataset, unit.index, 1, number),
             fixtures::make_header(manifest, unit.index, 1, number), result)});
  }
  storage::merge(run, manifest, parts,
                 {.output = run.results(),
                  .partial = false,
                  .software = {.version = "0.1.0", .git_commit = ""},
                  .progress = {},
                  .after_step = {}});
}

}  // namespace
}  // namespace lens

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: analysis_hostile_run RUN_DIR [CHECKPOINT]\n");
    return 2;
  }
  try {
    lens::write_run(argv[1], argc > 2 ? argv[2] : "");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "analysis_hostile_run: %s\n", error.what());
    return 1;
  }
}
