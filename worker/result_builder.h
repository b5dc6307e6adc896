#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/generation.h"
#include "lens/deferred.h"
#include "lens/image_attention.h"
#include "storage/unit_result.h"

namespace lens::worker {

// Which prompt tokens and whether answer tokens get rows (--tokens).
struct TokenSelection {
  bool answer = false;
  bool question = false;
  bool image = false;
  bool everything = false;  // the template as well

  // Throws lens::InputError for an unknown word.
  static TokenSelection parse(const std::vector<std::string>& words);

  bool takes(storage::TokenRole role) const;
};

// One sample that was run, and where its generation and rows are.
struct RanSample {
  std::size_t sample = 0;  // index into UnitResult::samples
  std::span<const storage::TokenRole> prompt_roles;
};

// Puts captured rows in order and into the columns of the part: rows of a
// sample by position, rows of a shared prefix repeated for each sample that
// shares it.
//
//   ran          one for each prompt that was given to the engine
//   generations  its results
//   attention    on the image, for the columns of it that `result` has; null
//                where it has none
// Fills token columns, token_offset, answer_tokens and entropy_mean; `result`
// holds the samples already. One that was run and failed all the same gets no
// rows.
void append_rows(std::span<const RanSample> ran,
                 std::span<const engine::Generation> generations,
                 const readout::LensRows& rows,
                 const readout::ImageAttention* attention,
                 const TokenSelection& selection, storage::UnitResult* result);

// The samples stay, all that append_rows() has put in goes.
void remove_rows(storage::UnitResult* result);

}  // namespace lens::worker
