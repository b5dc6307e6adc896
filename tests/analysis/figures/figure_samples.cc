// Writes one SVG and one CSV of each kind of figure into a folder.
//
//     figure_samples FOLDER

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "analysis/figures/figure_csv.h"
#include "figure_examples.h"

namespace lens::analysis::figures {
namespace {

// A picture of the tree, base64 of a PNG, for the map over pixels.
std::string picture_uri(const std::filesystem::path& file) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::ifstream in(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)),
                          std::istreambuf_iterator<char>());
  std::string out = "data:image/png;base64,";
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t triple = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      triple = triple << 8 | (at + i < bytes.size()
                                  ? static_cast<unsigned char>(bytes[at + i])
                                  : 0u);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out +=
          at + i <= bytes.size() ? kDigits[triple >> (18 - 6 * i) & 63] : '=';
    }
  }
  return out;
}

ImageMap over_picture() {
  ImageMap map = examples::image_map(4, 12);
  map.picture_uri = picture_uri(std::filesystem::path(LENS_SOURCE_DIR) /
                                "tests/data/images/train_46.png");
  return map;
}

void write(const std::filesystem::path& folder, const std::string& name,
           const std::string& svg, const std::string& csv) {
  std::ofstream(folder / (name + ".svg"), std::ios::binary) << svg;
  std::ofstream(folder / (name + ".csv"), std::ios::binary) << csv;
}

void write_all(const std::filesystem::path& folder) {
  using namespace examples;
  const auto heat = [&](const std::string& name, const HeatMap& map) {
    write(folder, name, heat_map_svg(map), heat_map_csv(map));
  };
  heat("heat_map", heat_map(30, 29, HeatMap::Scale::kEntropy));
  heat("heat_map_probability", heat_map(12, 29, HeatMap::Scale::kProbability));
  heat("heat_map_one_token", heat_map(1, 29, HeatMap::Scale::kEntropy));
  heat("heat_map_one_layer", heat_map(9, 1, HeatMap::Scale::kEntropy));
  HeatMap arabic = heat_map(16, 9, HeatMap::Scale::kProbability);
  arabic.title = "ما المكتوب على اللافتة؟ (mtvqa, 17.0)";
  arabic.subtitle = "السؤال: ما اسم الشارع المكتوب على اللافتة الزرقاء؟ ";
  arabic.subtitle += arabic.subtitle + arabic.subtitle;
  heat("heat_map_arabic", arabic);
  heat("heat_map_no_token", heat_map(0, 29, HeatMap::Scale::kEntropy));
  heat("heat_map_hostile", hostile_heat_map());
  const auto curve = [&](const std::string& name, const CurveFigure& figure) {
    write(folder, name, curves_svg(figure), curves_csv(figure));
  };
  curve("curves_one", curves(1, 29, 60));
  curve("curves_two", curves(2, 29, 0));
  curve("curves_nine", curves(9, 29, 0));
  curve("curves_rank", rank_curves(29));
  curve("curves_deep", curves(2, 81, 0));
  const ComparisonFigure difference = comparison(29);
  write(folder, "comparison", comparison_svg(difference),
        comparison_csv(difference));
  for (const int series : {1, 2, 9}) {
    const HistogramFigure figure = histogram(series, 29);
    write(folder, "histogram_" + std::to_string(series), histogram_svg(figure),
          histogram_csv(figure));
  }
  for (const int panels : {1, 2, 9}) {
    const StackFigure figure = stack(panels, 29);
    write(folder, "stack_" + std::to_string(panels), stack_svg(figure),
          stack_csv(figure));
  }
  const ImageMap bare = image_map(10, 14), over = over_picture();
  write(folder, "image_map_bare", image_map_svg(bare), image_map_csv(bare));
  write(folder, "image_map", image_map_svg(over), image_map_csv(over));
}

}  // namespace
}  // namespace lens::analysis::figures

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: figure_samples FOLDER\n";
    return 2;
  }
  std::filesystem::create_directories(argv[1]);
  lens::analysis::figures::write_all(argv[1]);
  return EXIT_SUCCESS;
}
