#include "analysis/view/layer_list.h"

#include <charconv>
#include <numeric>
#include <set>
#include <string>

#include "base/error.h"

namespace lens::analysis::view {
namespace {

int parse_layer(std::string_view text, int layers) {
  int layer = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), layer);
  if (error != std::errc() || end != text.data() + text.size())
    throw InputError("cannot understand --layers",
                     "'" + std::string(text) + "' is not a number",
                     "give all, or for example 0,4,8.. or 20..28");
  const int from_start = layer < 0 ? layer + layers : layer;
  if (from_start < 0 || from_start >= layers)
    throw InputError("no state " + std::string(text),
                     "the file has 0 to " + std::to_string(layers - 1),
                     "give one of these, or -1 for the last");
  return from_start;
}

}  // namespace

std::vector<int> parse_layers(std::string_view text, int layers) {
  std::vector<int> all(static_cast<std::size_t>(layers));
  std::iota(all.begin(), all.end(), 0);
  if (text == "all") return all;
  std::set<int> chosen;
  int before = -1;  // the number given before this one
  int step = 1;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    const std::size_t dots = item.find("..");
    const int first = parse_layer(item.substr(0, dots), layers);
    if (before >= 0 && first > before) step = first - before;
    before = first;
    chosen.insert(first);
    if (dots != std::string_view::npos) {
      const std::string_view last = item.substr(dots + 2);
      const int end = last.empty() ? layers - 1 : parse_layer(last, layers);
      for (int layer = first; layer <= end; layer += step) chosen.insert(layer);
    }
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return {chosen.begin(), chosen.end()};
}

}  // namespace lens::analysis::view
