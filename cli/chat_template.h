#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "model/families.h"

namespace lens::cli {

// A line where a checkpoint's own chat template is not known to give what Lens
// writes (input/prompt.h): there is none, or one of another text than the
// family's. Lens does not run templates, so a text of another wording with
// the same outcome is named too. Throws lens::InputError for files that cannot
// be read.
std::optional<std::string> chat_template_note(
    const std::filesystem::path& checkpoint, const model::Family& family);

}  // namespace lens::cli
