#include "input/data/dataset.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "input/data/code_points.h"
#include "input/data/labels.h"
#include "input/data/open_rows.h"
#include "input/data/picture_folder.h"
#include "input/data/row_file.h"

namespace lens::data {
namespace {

// The rows of one row group that share a file, in the order of all files.
struct Group {
  std::size_t file = 0;
  int index = 0;  // within the file
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// What a row says, and the name of its picture where it has only that.
struct RowLabels {
  Labels labels;
  nlohmann::json picture;
};

std::vector<RowLabels> read_labels(const Description& description,
                                   const RowFile& file, int group) {
  std::vector<RowLabels> rows;
  for (Cells& cells : file.read_cells(group)) {
    rows.push_back({.labels = make_labels(description, cells),
                    .picture = std::move(cells.image)});
  }
  return rows;
}

// The name in a cell: a text, or a list or struct that holds one and no other.
std::string picture_name(const nlohmann::json& cell,
                         const std::string& column) {
  if (cell.is_string()) return cell.get<std::string>();
  if (cell.is_array() && cell.size() == 1) return picture_name(cell[0], column);
  for (const char* key : {"path", "file_name"}) {
    if (cell.is_object() && cell.contains(key)) {
      return picture_name(cell[key], column);
    }
  }
  const std::string what =
      cell.is_null() ? "is null"
      : cell.is_array()
          ? "names " + std::to_string(cell.size()) + " pictures, not one"
          : "is no file name";
  throw InputError("no image (" + one_line(column, 60) + " " + what + ")");
}

// As read_labels; a row group that cannot be decoded gives its rows with the
// reason why.
std::vector<RowLabels> labels_or_damage(const Description& description,
                                        const RowFile& file, int group) {
  // More than writers put into one row group. Where nothing can be read the
  // footer's count is but a claim, and the claim of a damaged file.
  constexpr std::int64_t kMostUnreadRows = 1 << 20;
  try {
    return read_labels(description, file, group);
  } catch (const DamagedRowGroup& damage) {
    if (file.rows(group) > kMostUnreadRows) throw;
    // Each row of it fails on its own, and the run goes on.
    return {static_cast<std::size_t>(file.rows(group)),
            RowLabels{.labels = {.id = "",
                                 .language = "",
                                 .questions = {},
                                 .failure = damage.what()},
                      .picture = {}}};
  }
}

// Puts the image of a row group's row into `row`, or why there is none.
void add_image(const ImageColumn& images, std::int64_t index,
               const std::string& column, Row& row) {
  const auto bytes = images.bytes(index);
  if (bytes && !bytes->empty()) {
    row.image.assign(bytes->begin(), bytes->end());
    return;
  }
  if (!row.failure.empty()) return;
  const auto path = images.path(index);
  row.failure = "no image (" + one_line(column, 60);
  row.failure += bytes  ? ".bytes is empty)"
                 : path ? ".bytes is null, only the name '" +
                              one_line(*path, 100) + "' is stored)"
                        : " is null)";
}

// The key of a row: its number, or what its id column says.
std::string key_of(const Description& description, std::int64_t number,
                   const Labels& labels) {
  if (description.columns.id.empty()) return std::to_string(number);
  return labels.id.empty() ? "row " + std::to_string(number) : labels.id;
}

}  // namespace

struct Dataset::Impl {
  Description description;
  std::vector<std::unique_ptr<RowFile>> files;
  std::vector<PictureFolder> folders;  // of each file
  std::vector<Group> groups;           // in row order, none empty
  std::int64_t rows = 0;

  // The row group read last. Units are shorter than a row group as often as
  // not: the next one then finds it decoded. Images come in only when a row of
  // the group is wanted.
  const Group* cached = nullptr;
  std::vector<RowLabels> labels;
  std::optional<ImageColumn> images;
  std::string damage;  // why there is no `images`

  void add(std::unique_ptr<RowFile> file, const std::filesystem::path& folder) {
    for (int index = 0; index < file->row_groups(); ++index) {
      const std::int64_t begin = rows;
      // A footer may claim any count: all of them together must not overflow.
      if (__builtin_add_overflow(begin, file->rows(index), &rows)) {
        throw InputError("the files claim more rows than can be counted", "",
                         "one of them is damaged: download them again");
      }
      // Empty groups would be found by no row.
      if (rows == begin) continue;
      groups.push_back(
          {.file = files.size(), .index = index, .begin = begin, .end = rows});
    }
    files.push_back(std::move(file));
    folders.emplace_back(folder);
  }

  void load(const Group& group) {
    if (cached == &group) return;
    // Until all is read nothing is cached: a group that throws half-way must
    // not be taken for one.
    cached = nullptr;
    images.reset();  // before the next: one row group in memory
    damage.clear();
    labels = labels_or_damage(description, *files[group.file], group.index);
    cached = &group;
  }

  Row make_row(const Group& group, std::int64_t number) {
    const std::int64_t index = number - group.begin;
    const RowLabels& row_labels = labels[static_cast<std::size_t>(index)];
    const Labels& label = row_labels.labels;
    Row row{.row = number,
            .key = key_of(description, number, label),
            .language = label.language,
            .image = {},
            .picture = {},
            .questions = label.questions,
            .failure = label.failure};
    if (!files[group.file]->holds_images()) {
      add_picture(folders[group.file], row_labels.picture, row);
      return row;
    }
    if (!images && damage.empty()) load_images(group);
    if (images) {
      add_image(*images, index, description.columns.image, row);
    } else if (row.failure.empty()) {
      row.failure = damage;
    }
    return row;
  }

  // Reads the picture that the row names.
  void add_picture(const PictureFolder& folder, const nlohmann::json& name,
                   Row& row) const {
    if (!row.failure.empty()) return;
    try {
      row.picture = folder.place(picture_name(name, description.columns.image));
      row.image = folder.read(row.picture);
    } catch (const InputError& error) {
      row.failure = error.what();
    }
  }

  // Where that picture lies; empty where the row is of no use.
  std::filesystem::path place_of(const Group& group,
                                 const RowLabels& row) const {
    if (files[group.file]->holds_images() || !row.labels.failure.empty()) {
      return {};
    }
    try {
      return folders[group.file].place(
          picture_name(row.picture, description.columns.image));
    } catch (const InputError&) {
      return {};  // told of when the row is read
    }
  }

  void load_images(const Group& group) {
    try {
      images = files[group.file]->read_images(group.index);
    } catch (const DamagedRowGroup& error) {
      damage = error.what();
    }
  }
};

Dataset::Dataset(Description description,
                 const std::vector<std::filesystem::path>& files,
                 const std::filesystem::path& root)
    : impl_(std::make_unique<Impl>()) {
  if (files.empty()) {
    throw InputError("a data set needs at least one file", "");
  }
  impl_->description = std::move(description);
  if (is_picture_name(files.front())) {
    impl_->add(open_pictures(files, root),
               is_picture_name(root) ? root.parent_path() : root);
    return;
  }
  for (const std::filesystem::path& path : files) {
    impl_->add(open_rows(path, impl_->description.columns), path.parent_path());
  }
}

Dataset::Dataset(Dataset&&) noexcept = default;
Dataset::~Dataset() = default;

std::int64_t Dataset::rows() const { return impl_->rows; }

std::vector<RowOutline> Dataset::outline() const {
  std::vector<RowOutline> outlines;
  for (const Group& group : impl_->groups) {
    // Whatever the columns: a count in the footer is a claim until it is read.
    const std::vector<RowLabels> rows = labels_or_damage(
        impl_->description, *impl_->files[group.file], group.index);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Labels& labels = rows[i].labels;
      const std::size_t samples =
          // A row that cannot be read is a sample, too: it gets its place in
          // the results, with the reason.
          std::max<std::size_t>(labels.questions.size(), 1);
      const std::int64_t number = group.begin + static_cast<std::int64_t>(i);
      outlines.push_back({.row = number,
                          .key = key_of(impl_->description, number, labels),
                          .language = labels.language,
                          .samples = static_cast<std::int32_t>(samples),
                          .picture = impl_->place_of(group, rows[i])});
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
          impl_->labels[static_cast<std::size_t>(n - group->begin)].labels;
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
