#include "analysis/export/sample_files.h"

#include <fmt/format.h>

#include "analysis/export/csv.h"
#include "analysis/export/rows.h"

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

// A column for each token, headed by its text, after that of the layer.
arrow::FieldVector fields_of(const SampleBlock& block,
                             const std::vector<std::int64_t>& tokens,
                             const std::vector<std::string>& token_text,
                             const std::shared_ptr<arrow::DataType>& type) {
  arrow::FieldVector fields = {column("layer", arrow::int32())};
  for (const std::int64_t t : tokens)
    fields.push_back(column(
        text_of(token_text,
                block.tokens.get<"token_id">()[static_cast<std::size_t>(t)]),
        type));
  return fields;
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

  Rows texts(
      arrow::schema(fields_of(block, tokens, token_text, arrow::utf8())));
  arrow::FieldVector numbers =
      fields_of(block, tokens, token_text, arrow::float32());
  numbers.push_back(column("mean", arrow::float32()));
  Rows entropies(arrow::schema(numbers));
  for (int layer = 0; layer < block.layers(); ++layer) {
    texts.whole(layer);
    entropies.whole(layer);
    for (const std::int64_t t : tokens) {
      texts.text(text_of(token_text, block.top1_id(t, layer)));
      entropies.real(block.tokens.get<"entropy">()[block.cell(t, layer)]);
    }
    entropies.real(
        block.samples[s].entropy_mean[static_cast<std::size_t>(layer)]);
  }
  write_csv(folder / (name + ".tokens.csv"), *texts.take());
  write_csv(folder / (name + ".entropy.csv"), *entropies.take());
}

}  // namespace lens::analysis::tables
