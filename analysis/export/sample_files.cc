#include "analysis/export/sample_files.h"

#include <fmt/format.h>

#include "analysis/export/csv.h"

namespace lens::analysis::tables {
namespace {

std::vector<std::int64_t> generated_tokens(const SampleBlock& block,
                                           std::size_t s) {
  std::vector<std::int64_t> tokens;
  for (std::int64_t t = block.token_offset[s]; t < block.token_offset[s + 1];
       ++t)
    if (block.generated(t)) tokens.push_back(t);
  return tokens;
}

const std::string& text_of(const std::vector<std::string>& token_text,
                           std::int32_t id) {
  return token_text[static_cast<std::size_t>(id)];
}

void write_header(CsvFile& file, const SampleBlock& block,
                  const std::vector<std::int64_t>& tokens,
                  const std::vector<std::string>& token_text, bool with_mean) {
  file.records().text("layer");
  for (const std::int64_t t : tokens)
    file.records().text(
        text_of(token_text,
                block.tokens.get<"token_id">()[static_cast<std::size_t>(t)]));
  if (with_mean) file.records().text("mean");
  file.end_record();
}

}  // namespace

std::string file_name_of(std::string_view sample_id) {
  std::string name;
  for (const char c : sample_id) {
    const bool letter_or_digit = (c >= '0' && c <= '9') ||
                                 (c >= 'a' && c <= 'z') ||
                                 (c >= 'A' && c <= 'Z');
    if (letter_or_digit || c == '_' || c == '-' || (c == '.' && !name.empty()))
      name += c;
    else
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return name.empty() ? "%" : name;
}

void write_sample_files(const std::filesystem::path& folder,
                        const SampleBlock& block, std::size_t s,
                        const std::vector<std::string>& token_text) {
  const std::vector<std::int64_t> tokens = generated_tokens(block, s);
  const std::string name = file_name_of(block.samples[s].sample_id);

  CsvFile texts(folder / (name + ".tokens.csv"));
  write_header(texts, block, tokens, token_text, false);
  CsvFile entropies(folder / (name + ".entropy.csv"));
  write_header(entropies, block, tokens, token_text, true);
  for (int layer = 0; layer < block.layers(); ++layer) {
    texts.records().number(layer);
    entropies.records().number(layer);
    for (const std::int64_t t : tokens) {
      texts.records().text(text_of(token_text, block.top1_id(t, layer)));
      entropies.records().number(
          block.tokens.get<"entropy">()[block.cell(t, layer)]);
    }
    entropies.records().number(
        block.samples[s].entropy_mean[static_cast<std::size_t>(layer)]);
    texts.end_record();
    entropies.end_record();
  }
  texts.commit();
  entropies.commit();
}

}  // namespace lens::analysis::tables
