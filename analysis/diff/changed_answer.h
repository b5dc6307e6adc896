#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/diff/vocabulary_pair.h"
#include "analysis/diff/written_answers.h"
#include "analysis/source.h"

namespace lens::analysis::diff {

// What a run says where two answers part, by layer. "Own" is the token that it
// wrote, "other" the one that the other run wrote.
struct PartingSide {
  bool has_token = false;  // false: it was cut before, nothing below is known
  bool is_end = false;     // its token is the end of the answer
  std::string token;
  std::vector<std::string> top;          // [layer] text of the top token
  std::vector<float> entropy;            // [layer] nats
  std::size_t kept = 0;                  // top tokens of a layer
  std::vector<std::int32_t> own_rank;    // [layer]
  std::vector<std::int32_t> other_rank;  // [layer] 0: below the top tokens kept
};

// A sample to which the two runs gave different answers.
struct ChangedAnswer {
  std::string dataset, sample_id, language;
  std::size_t row_a = 0, row_b = 0;
  std::int32_t position = 0;  // of the first token that differs, from 0
  std::string answer_a, answer_b;
  float score_a = 0, score_b = 0;
  bool verdict_changed = false;

  // Known of those that are opened.
  bool opened = false;
  std::string prompt, reference, shared;  // `shared`: what both wrote before
  PartingSide a, b;
  // The least layer from which on the top tokens of the two differ at every
  // layer; kNoLayer where those of the last are the same, or a side has none.
  int parting_layer = -1;
};

// Reads the rows at which the two part, of this sample alone. Throws
// StorageError.
void open_answer(const Source& a, const Source& b,
                 const VocabularyPair& vocabularies,
                 const WrittenAnswer& written_a, const WrittenAnswer& written_b,
                 ChangedAnswer& changed);

// The order in which they are opened: those that became right or wrong first,
// then the others, each in the order given.
std::vector<std::size_t> opening_order(std::span<const ChangedAnswer> changed);

}  // namespace lens::analysis::diff
