#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analysis/metrics/sample_table.h"
#include "analysis/report/thumbnail.h"
#include "analysis/source.h"

namespace lens::analysis::report {

// Texts of the tokens that a page mentions, each once, with marks for white
// space as in the figures. Ids beyond the vocabulary have the text "#ID".
class TokenTexts {
 public:
  explicit TokenTexts(const storage::Vocabulary& vocabulary)
      : vocabulary_(&vocabulary) {}

  // The place of this id's text in texts(), from 0 in the order asked for.
  std::int32_t place(std::int32_t id);
  const std::vector<std::string>& texts() const { return texts_; }

  // Bytes that a place takes in packed columns: 2, or 3 where there are more.
  int place_bytes() const { return texts_.size() <= 65536 ? 2 : 3; }

 private:
  const storage::Vocabulary* vocabulary_;
  std::map<std::int32_t, std::int32_t> places_;
  std::vector<std::string> texts_;
};

// What a page shows of one sample, token by token. Columns as in results.h5;
// image and template tokens are left out, and so are tokens beyond `kMost`.
struct SampleDetail {
  static constexpr std::size_t kMost = 200;

  std::string dataset, sample_id;
  std::string prompt, reference, answer;
  std::int64_t source_row = 0;
  std::int32_t image_height = 0, image_width = 0;
  std::int64_t tokens_left_out = 0;  // beyond kMost
  Thumbnail picture;

  std::int64_t layers = 0, ranks = 0;
  std::vector<std::uint8_t> role;                        // [token]
  std::vector<std::int32_t> token_id;                    // [token]
  std::vector<float> entropy, kl_final, target_logprob;  // [token, layer]
  std::vector<std::int32_t> target_rank;                 // [token, layer]
  std::vector<std::int32_t> top_id;                      // [token, layer, rank]
  std::vector<float> top_logprob;                        // [token, layer, rank]
};

// Reads the rows of this sample alone. Without a picture. Throws
// StorageError.
SampleDetail read_sample_detail(const storage::ResultsReader& results,
                                const std::string& dataset,
                                const metrics::SampleRow& row);

// Places of all texts of a sample, so that place_bytes() is known.
void collect_texts(const SampleDetail& detail, TokenTexts& texts);

// The sample as the page's script reads it: columns by packed_floats() and
// packed_integers(). `picture` is the place of its thumbnail in the page's
// list, -1 for none.
nlohmann::json sample_json(const SampleDetail& detail, int picture,
                           TokenTexts& texts);

}  // namespace lens::analysis::report
