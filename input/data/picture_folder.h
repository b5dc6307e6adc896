#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lens::data {

// Whether a file's name says that it is a picture. Not whether Lens reads it.
bool is_picture_name(const std::filesystem::path& path);

// All pictures below `folder`, which is searched as deep as it goes, in the
// order of their names' bytes. Links to folders are not followed. Throws
// lens::InputError where a folder cannot be listed.
std::vector<std::filesystem::path> list_pictures(
    const std::filesystem::path& folder);

// The folder whose files the rows of a data set may name: nothing else on the
// disk is read for a name that somebody wrote into a file.
class PictureFolder {
 public:
  explicit PictureFolder(std::filesystem::path root);

  // Where a picture of this name lies, whether it is there or not. Throws
  // lens::InputError for a name that is absolute, a URL, or leaves the folder.
  std::filesystem::path place(std::string_view name) const;

  // The bytes at a place. Throws lens::InputError that says why there are none:
  // no such file, empty, too large, or by a link outside of the folder.
  std::vector<std::byte> read(const std::filesystem::path& place) const;

 private:
  // constant after construction
  std::filesystem::path root_;
  std::vector<std::filesystem::path> allowed_;  // without links
};

}  // namespace lens::data
