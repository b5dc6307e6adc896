#include "input/data/dataset.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "input/data/code_points.h"
#include "input/data/parquet_file.h"
#include "input/data/python_literal.h"

namespace lens::data {
namespace {

constexpr const char* kText = "text";
constexpr const char* kLanguage = "lang";
constexpr const char* kPairs = "qa_pairs";

std::vector<std::string> text_columns(DatasetKind kind) {
  if (kind == DatasetKind::kLatexOcr) return {kText};
  return {kLanguage, kPairs};
}

// The rows of one row group that share a file, in the order of all files.
struct Group {
  std::size_t file = 0;
  int index = 0;  // within the file
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// What the text columns of a row say; `failure` as in Row.
struct Labels {
  std::string language;
  std::vector<Row::Question> questions;
  std::string failure;
};

Labels latex_labels(const std::optional<std::string>& text) {
  Labels labels;
  if (!text) {
    labels.failure = "no formula (text is null)";
  } else if (!is_utf8(*text)) {
    labels.failure = "no formula (text is not UTF-8)";
  } else {
    labels.questions.push_back({.question = "", .answer = *text});
  }
  return labels;
}

Labels mtvqa_labels(const std::optional<std::string>& language,
                    const std::optional<std::string>& pairs) {
  Labels labels;
  if (language && is_utf8(*language)) labels.language = *language;
  if (language && !is_utf8(*language)) {
    labels.failure = "lang is not UTF-8";
  } else if (!pairs) {
    labels.failure = "no question (qa_pairs is null)";
  } else {
    try {
      labels.questions = parse_qa_pairs(*pairs);
      if (labels.questions.empty()) {
        labels.failure = "no question (qa_pairs is an empty list)";
      }
    } catch (const InputError& error) {
      labels.failure = std::string("qa_pairs cannot be read: ") + error.what();
    }
  }
  return labels;
}

std::vector<Labels> read_labels(DatasetKind kind, const ParquetFile& file,
                                int group) {
  std::vector<Labels> labels;
  if (kind == DatasetKind::kLatexOcr) {
    for (const auto& text : file.read_text(group, kText)) {
      labels.push_back(latex_labels(text));
    }
    return labels;
  }
  const TextColumn languages = file.read_text(group, kLanguage);
  const TextColumn pairs = file.read_text(group, kPairs);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    labels.push_back(mtvqa_labels(languages[i], pairs[i]));
  }
  return labels;
}

// As read_labels; a row group that cannot be decoded gives its rows with the
// reason why.
std::vector<Labels> labels_or_damage(DatasetKind kind, const ParquetFile& file,
                                     int group) {
  // More than writers put into one row group. Where nothing can be read the
  // footer's count is but a claim, and the claim of a damaged file.
  constexpr std::int64_t kMostUnreadRows = 1 << 20;
  try {
    return read_labels(kind, file, group);
  } catch (const DamagedRowGroup& damage) {
    if (file.rows(group) > kMostUnreadRows) throw;
    // Each row of it fails on its own, and the run goes on.
    return {static_cast<std::size_t>(file.rows(group)),
            Labels{.language = "", .questions = {}, .failure = damage.what()}};
  }
}

// Puts the image of a row group's row into `row`, or why there is none.
void add_image(const ImageColumn& images, std::int64_t index, Row& row) {
  const auto bytes = images.bytes(index);
  if (bytes && !bytes->empty()) {
    row.image.assign(bytes->begin(), bytes->end());
    return;
  }
  if (!row.failure.empty()) return;
  const auto path = images.path(index);
  row.failure = bytes  ? "no image (image.bytes is empty)"
                : path ? "no image (image.bytes is null, only the name '" +
                             one_line(*path, 100) + "' is stored)"
                       : "no image (image is null)";
}

}  // namespace

struct Dataset::Impl {
  DatasetKind kind = DatasetKind::kMtvqa;
  std::vector<ParquetFile> files;
  std::vector<Group> groups;  // in row order, none empty
  std::int64_t rows = 0;

  // The row group read last. Units are shorter than a row group as often as
  // not: the next one then finds it decoded. Images come in only when a row of
  // the group is wanted.
  const Group* cached = nullptr;
  std::vector<Labels> labels;
  std::optional<ImageColumn> images;
  std::string damage;  // why there is no `images`

  void load(const Group& group) {
    if (cached == &group) return;
    // Until all is read nothing is cached: a group that throws half-way must
    // not be taken for one.
    cached = nullptr;
    images.reset();  // before the next: one row group in memory
    damage.clear();
    labels = labels_or_damage(kind, files[group.file], group.index);
    cached = &group;
  }

  Row make_row(const Group& group, std::int64_t number) {
    const std::int64_t index = number - group.begin;
    const Labels& label = labels[static_cast<std::size_t>(index)];
    if (!images && damage.empty()) load_images(group);
    Row row{.row = number,
            .language = label.language,
            .image = {},
            .questions = label.questions,
            .failure = label.failure};
    if (images) {
      add_image(*images, index, row);
    } else if (row.failure.empty()) {
      row.failure = damage;
    }
    return row;
  }

  void load_images(const Group& group) {
    try {
      images = files[group.file].read_images(group.index);
    } catch (const DamagedRowGroup& error) {
      damage = error.what();
    }
  }
};

Dataset::Dataset(DatasetKind kind, std::vector<std::filesystem::path> files)
    : impl_(std::make_unique<Impl>()) {
  if (files.empty()) {
    throw InputError("a data set needs at least one Parquet file", "");
  }
  impl_->kind = kind;
  for (std::filesystem::path& path : files) {
    impl_->files.emplace_back(std::move(path), text_columns(kind));
    const ParquetFile& file = impl_->files.back();
    for (int index = 0; index < file.row_groups(); ++index) {
      const std::int64_t begin = impl_->rows;
      // A footer may claim any count: all of them together must not overflow.
      if (__builtin_add_overflow(begin, file.rows(index), &impl_->rows)) {
        throw InputError("the files claim more rows than can be counted", "",
                         "one of them is damaged: download them again");
      }
      // Empty groups would be found by no row.
      if (impl_->rows == begin) continue;
      impl_->groups.push_back({.file = impl_->files.size() - 1,
                               .index = index,
                               .begin = begin,
                               .end = impl_->rows});
    }
  }
}

Dataset::Dataset(Dataset&&) noexcept = default;
Dataset::~Dataset() = default;

std::int64_t Dataset::rows() const { return impl_->rows; }

std::vector<RowOutline> Dataset::outline() const {
  std::vector<RowOutline> outlines;
  for (const Group& group : impl_->groups) {
    // For latex_ocr too: a count in the footer is a claim until it is read.
    const std::vector<Labels> labels =
        labels_or_damage(impl_->kind, impl_->files[group.file], group.index);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::size_t samples =
          // A row that cannot be read is a sample, too: it gets its place in
          // the results, with the reason.
          std::max<std::size_t>(labels[i].questions.size(), 1);
      outlines.push_back({.row = group.begin + static_cast<std::int64_t>(i),
                          .language = labels[i].language,
                          .samples = static_cast<std::int32_t>(samples)});
    }
  }
  return outlines;
}

std::vector<Row> Dataset::read(
    std::int64_t begin, std::int64_t end,
    const std::vector<std::string>& languages) const {
  if (begin < 0 || begin > end || end > impl_->rows) {
    throw InputError("rows " + std::to_string(begin) + " to " +
                         std::to_string(end) + " are not in the data set",
                     "it has " + std::to_string(impl_->rows) + " rows",
                     "do not change the files during a run");
  }
  std::vector<Row> rows;
  auto group = std::upper_bound(
      impl_->groups.begin(), impl_->groups.end(), begin,
      [](std::int64_t row, const Group& g) { return row < g.end; });
  for (; group != impl_->groups.end() && group->begin < end; ++group) {
    impl_->load(*group);
    const std::int64_t last = std::min(end, group->end);
    for (std::int64_t n = std::max(begin, group->begin); n < last; ++n) {
      const Labels& label =
          impl_->labels[static_cast<std::size_t>(n - group->begin)];
      // Asked by label: the images of a row group that nobody wants are not
      // decoded.
      if (languages.empty() ||
          std::ranges::find(languages, label.language) != languages.end()) {
        rows.push_back(impl_->make_row(*group, n));
      }
    }
  }
  return rows;
}

}  // namespace lens::data
