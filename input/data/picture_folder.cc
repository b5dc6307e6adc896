#include "input/data/picture_folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "input/data/code_points.h"
#include "input/file/input_file.h"

namespace lens::data {
namespace {

namespace fs = std::filesystem;

// Far above any picture that a decoder takes.
constexpr std::uintmax_t kMaxPictureBytes = std::uintmax_t{1} << 30;

bool is_within(const fs::path& path, const fs::path& folder) {
  const auto [rest, unused] =
      std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return rest == folder.end();
}

std::string quoted(std::string_view name) {
  return "'" + one_line(name, 200) + "'";
}

[[noreturn]] void no_image(std::string_view name, const std::string& why) {
  throw InputError("no image (" + quoted(name) + " " + why + ")");
}

}  // namespace

bool is_picture_name(const fs::path& path) {
  constexpr std::array kEndings = {".png", ".jpg",  ".jpeg", ".webp",
                                   ".gif", ".bmp",  ".tif",  ".tiff",
                                   ".jpe", ".jfif", ".heic", ".avif"};
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return std::ranges::find(kEndings, ending) != kEndings.end();
}

std::vector<fs::path> list_pictures(const fs::path& folder) {
  std::vector<fs::path> pictures;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().filename().string().starts_with('.')) {
      if (entry->is_directory(ignored)) entry.disable_recursion_pending();
    } else if (is_picture_name(entry->path()) &&
               !entry->is_directory(ignored)) {
      pictures.push_back(entry->path());
    }
  }
  if (error) {
    throw InputError("cannot list " + one_line(folder.string(), 500),
                     error.message(), "check the folder and its rights");
  }
  std::sort(pictures.begin(), pictures.end(),
            [](const fs::path& a, const fs::path& b) {
              return a.native() < b.native();
            });
  return pictures;
}

PictureFolder::PictureFolder(fs::path root)
    : root_(fs::absolute(root).lexically_normal()) {
  std::error_code error;
  allowed_.push_back(fs::weakly_canonical(root_, error));
  // In the Hub's cache every file of a revision is a link into its blobs.
  for (fs::path at = root_; at.has_relative_path(); at = at.parent_path()) {
    if (at.filename() == "snapshots") {
      allowed_.push_back(
          fs::weakly_canonical(at.parent_path() / "blobs", error));
    }
  }
}

fs::path PictureFolder::place(std::string_view name) const {
  if (name.empty()) throw InputError("no image (its name is empty)");
  if (name.find('\0') != std::string_view::npos) {
    no_image(name, "holds a NUL");
  }
  if (name.find("://") != std::string_view::npos) {
    no_image(name, "is a URL: Lens downloads nothing");
  }
  const fs::path given(name);
  if (given.is_absolute()) {
    no_image(name, "is not relative to the folder of its file");
  }
  const fs::path normal = given.lexically_normal();
  if (*normal.begin() == "..") {
    no_image(name, "is outside of the folder of its file");
  }
  return root_ / normal;
}

std::vector<std::byte> PictureFolder::read(const fs::path& place) const {
  const std::string name = place.lexically_relative(root_).string();
  std::error_code error;
  const fs::path real = fs::weakly_canonical(place, error);
  if (error) no_image(name, "cannot be looked at: " + error.message());
  if (std::ranges::none_of(allowed_, [&](const fs::path& folder) {
        return is_within(real, folder);
      })) {
    no_image(name, "is a link out of the folder of its file");
  }
  std::string bytes;
  try {
    if (!has_file(place)) no_image(name, "is not there");
    bytes = read_whole(place, kMaxPictureBytes);
  } catch (const InputError& problem) {
    // Results tell of it: without the folder, the same wherever it lies.
    const std::string text = problem.what();
    if (text.starts_with("no image")) throw;
    no_image(name, "cannot be read");
  }
  if (bytes.empty()) no_image(name, "is empty");
  std::vector<std::byte> image(bytes.size());
  std::memcpy(image.data(), bytes.data(), bytes.size());
  return image;
}

}  // namespace lens::data
