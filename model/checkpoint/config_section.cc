#include "model/checkpoint/config_section.h"

#include "base/error.h"

namespace lens::model {

JsonSection config_section(const nlohmann::json* object,
                           const std::filesystem::path& file) {
  const auto error = [name = file.string()](const JsonFault& fault) {
    const std::string value =
        fault.integer.empty() ? "" : "= " + fault.integer + " ";
    return std::make_exception_ptr(
        InputError("cannot use " + name, fault.place + " " + value + fault.why,
                   "check that it is the config of a supported checkpoint"));
  };
  return {object, {.error = error, .null_is_missing = true}};
}

}  // namespace lens::model
