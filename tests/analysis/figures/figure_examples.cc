#include "figure_examples.h"

#include <algorithm>
#include <cmath>

namespace lens::analysis::figures::examples {
namespace {

const std::vector<std::string> kAnswer = {
    "\\",     "frac", " {",         " x",      " ^",     " {",
    " ",      "2",    " }",         "北京",    "大学",   "です",
    "カメラ", "서울", "특별시",     "Москва",  " улица", "مرحبا",
    " شارع",  "ถนน",  "ที่",          " Straße", " été",   "città",
    " đường", "\n",   "\\xe5\\x8c", "ا",       "ั",       "<|im_end|>"};

const std::vector<std::string> kEarly = {
    " leaf", "开发者", "_REFRESH",   "ική",      "ющий", " の",  "้อง", "ابو",
    ".UI",   "이라",   "\\xe7\\x9a", " neither", "}})",  "\t\t", "ﬁ",  "œuvre"};
const std::vector<std::string> kMiddle = {
    " number", " formula", "公式", "城市", " street", "名", "数", " city"};

const std::vector<std::string> kLanguages = {"AR", "DE", "FR", "IT", "JA",
                                             "KR", "RU", "TH", "VI"};

// A repeatable number in [0, 1).
double chance(int a, int b, int c = 0) {
  std::uint32_t mixed = static_cast<std::uint32_t>(a) * 73856093u ^
                        static_cast<std::uint32_t>(b) * 19349663u ^
                        static_cast<std::uint32_t>(c) * 83492791u;
  mixed ^= mixed >> 15;
  mixed *= 0x2c1b3c6du;
  mixed ^= mixed >> 12;
  mixed *= 0x297a2d39u;
  mixed ^= mixed >> 15;
  return static_cast<double>(mixed % 100000) / 100000;
}

// From 1 down to 0 around `at` of the layers.
double fall(double layer, int layers, double at, double width = 0.06) {
  const double place = layers > 1 ? layer / (layers - 1) : 1;
  return 1 / (1 + std::exp((place - at) / width));
}

double entropy_at(int token, int layer, int layers) {
  const double at = 0.62 + 0.22 * chance(token, 1);
  const double high = 10.6 + chance(token, layer, 2);
  const double low = 0.02 + 1.1 * chance(token, 3) * chance(token, layer, 4);
  return low + (high - low) * fall(layer, layers, at);
}

const std::string& pick(const std::vector<std::string>& words, double share) {
  return words[static_cast<std::size_t>(share *
                                        static_cast<double>(words.size()))];
}

}  // namespace

HeatMap heat_map(int tokens, int layers, HeatMap::Scale scale) {
  HeatMap map;
  map.title = "What each layer would say: mtvqa, sample 17.0";
  map.subtitle =
      "Question: 「この看板には何と書いてありますか」 Answer of 29 tokens, "
      "score "
      "1. States 0 to 28 of Qwen2-VL-2B-Instruct, bfloat16.";
  map.layers = layers;
  map.scale = scale;
  map.largest_entropy = kLnV;
  for (int token = 0; token < tokens; ++token) {
    const std::string& emitted =
        kAnswer[static_cast<std::size_t>(token) % kAnswer.size()];
    map.tokens.push_back(emitted);
    for (int layer = 0; layer < layers; ++layer) {
      const double entropy = entropy_at(token, layer, layers);
      const bool known = entropy < 3.2 || layer + 1 == layers;
      map.match.push_back(known ? 1 : 0);
      map.cell_text.push_back(
          known           ? emitted
          : entropy > 9.2 ? pick(kEarly, chance(token / 2, layer / 2, 5))
                          : pick(kMiddle, chance(token, layer / 2, 6)));
      map.value.push_back(scale == HeatMap::Scale::kEntropy
                              ? entropy
                              : std::exp(-entropy * 0.75));
    }
  }
  return map;
}

HeatMap hostile_heat_map() {
  HeatMap map;
  map.title = "</title><script>alert(1)</script> & \"quotes\" 'too' $HOME \x01";
  map.subtitle = "]]> <!-- \xed\xa0\x80 \xff\xfe $(rm) `x` ${y} %s {} \\";
  map.tokens = {"<b>&amp;",
                "\"'",
                std::string("\0\x01\x1f", 3),
                "\xed\xa0\x80",
                "\xf0\x9f\x98",
                "\u202eabc",
                "שלום",
                "a\nb\r\n\t",
                " $x$ ",
                "]]>",
                "\xef\xbf\xbf",
                "\u200d",
                "👩‍👩‍👧",
                "e\u0301",
                "\u0301",
                "{}",
                "%n",
                ""};
  map.layers = 3;
  map.largest_entropy = kLnV;
  for (std::size_t token = 0; token < map.tokens.size(); ++token) {
    for (int layer = 0; layer < map.layers; ++layer) {
      map.cell_text.push_back(
          map.tokens[(token + static_cast<std::size_t>(layer)) %
                     map.tokens.size()]);
      const bool gap = (token + static_cast<std::size_t>(layer)) % 5 == 4;
      map.value.push_back(gap ? std::nan("") : 3.0 * layer);
      map.match.push_back(layer == 0 ? 1 : 0);
    }
  }
  return map;
}

CurveFigure curves(int lines, int layers, int samples) {
  CurveFigure figure;
  figure.title = "Mean entropy by layer";
  figure.subtitle =
      "Answer tokens; mean of samples with its 95 % band (bootstrap over 2,000 "
      "resamples of the pictures).";
  figure.y_label = "entropy (nats)";
  figure.y_max = kLnV;
  const std::vector<std::string> names =
      lines <= 2 ? std::vector<std::string>{"mtvqa (2,116 samples)",
                                            "latex_ocr (9,443 samples)"}
                 : kLanguages;
  for (int i = 0; i < lines; ++i) {
    CurveFigure::Line line;
    line.name = names[static_cast<std::size_t>(i) % names.size()];
    const double at = 0.66 + 0.035 * i;
    for (int layer = 0; layer < layers; ++layer) {
      const double mean =
          0.3 + 0.05 * i + (10.7 - 0.25 * i) * fall(layer, layers, at, 0.055);
      const double half =
          0.12 + 0.9 * std::exp(-std::pow((layer / 28.0 - at) / 0.1, 2));
      line.mean.push_back(mean);
      line.low.push_back(mean - half);
      line.high.push_back(mean + half);
    }
    figure.lines.push_back(line);
  }
  for (int sample = 0; sample < samples; ++sample) {
    figure.thin.emplace_back();
    for (int layer = 0; layer < layers; ++layer) {
      figure.thin.back().push_back(entropy_at(sample, layer, layers));
    }
  }
  if (lines <= 2) {
    figure.marks.push_back({"onset mtvqa 21 [20, 22]", 21, 20, 22, 0});
    if (lines == 2) {
      figure.marks.push_back({"onset latex_ocr 22 [21, 24]", 22, 21, 24, 1});
    }
  }
  return figure;
}

CurveFigure rank_curves(int layers) {
  CurveFigure figure;
  figure.title = "Rank of the emitted token";
  figure.subtitle = "Geometric mean over answer tokens; rank 1 is the top.";
  figure.y_label = "rank";
  figure.logarithmic = true;
  figure.y_max = kLnV;
  CurveFigure::Line line;
  line.name = "mtvqa";
  for (int layer = 0; layer < layers; ++layer) {
    const bool gap = layer == 5 || layer == 7;
    line.mean.push_back(gap ? std::nan("")
                            : 10.2 * fall(layer, layers, 0.55, 0.1));
  }
  figure.lines.push_back(line);
  return figure;
}

ComparisonFigure comparison(int layers) {
  ComparisonFigure figure;
  figure.curves = curves(2, layers, 0);
  figure.curves.title = "Does the entropy fall at the same layer?";
  figure.difference.name = "mtvqa − latex_ocr, with 95 % band";
  const auto& a = figure.curves.lines[0];
  const auto& b = figure.curves.lines[1];
  for (std::size_t layer = 0; layer < a.mean.size(); ++layer) {
    const double difference = a.mean[layer] - b.mean[layer];
    const double half = 0.1 + 0.5 * (a.high[layer] - a.mean[layer]);
    figure.difference.mean.push_back(difference);
    figure.difference.low.push_back(difference - half);
    figure.difference.high.push_back(difference + half);
  }
  return figure;
}

HistogramFigure histogram(int series, int layers) {
  HistogramFigure figure;
  figure.title = "Onset layer of the entropy";
  figure.subtitle = "Answer tokens; rule: half of the fall, at least 1 nat.";
  figure.x_label = "onset layer";
  for (int i = 0; i < series; ++i) {
    HistogramFigure::Series one;
    one.name = kLanguages[static_cast<std::size_t>(i) % kLanguages.size()];
    for (int layer = 0; layer < layers; ++layer) {
      const double away = (layer - (19.5 + 0.4 * i)) / (1.8 + 0.1 * i);
      one.count.push_back(
          std::llround((400 - 30 * i) * std::exp(-0.5 * away * away)));
    }
    one.without = 12 * i;
    figure.series.push_back(one);
  }
  return figure;
}

StackFigure stack(int panels, int layers) {
  StackFigure figure;
  figure.title = "In which script does it think?";
  figure.subtitle = "Share of probability by script of the token, by layer.";
  figure.parts = {"Latin",    "Han",         "Kana",          "Hangul",
                  "Cyrillic", "Arabic",      "Thai",          "Greek",
                  "digit",    "punctuation", "LaTeX command", "partial UTF-8",
                  "special",  "other"};
  const std::vector<double> early = {30,   22, 5, 5, 9, 6,    3,
                                     0.04, 1,  5, 2, 6, 0.02, 6};
  const std::vector<double> middle = {46,   34, 2, 2, 2, 1,    1,
                                      0.05, 3,  4, 1, 2, 0.01, 2};
  const std::vector<std::size_t> own = {5, 0, 0, 0, 2, 3, 4, 6, 0};
  for (int panel = 0; panel < panels; ++panel) {
    const auto language = static_cast<std::size_t>(panel) % kLanguages.size();
    StackFigure::Panel one;
    one.name = kLanguages[language];
    for (int layer = 0; layer < layers; ++layer) {
      const double a = fall(layer, layers, 0.35, 0.1);
      const double c = 1 - fall(layer, layers, 0.8, 0.05);
      double sum = 0;
      std::vector<double> share;
      for (std::size_t part = 0; part < figure.parts.size(); ++part) {
        const double end = part == own[language] ? 72
                           : part == 9           ? 14
                           : part == 8           ? 9
                                                 : 0.02;
        const double value =
            (a * early[part] + (1 - a) * middle[part]) * (1 - c) + end * c;
        share.push_back(value);
        sum += value;
      }
      for (double& value : share) value /= sum;
      one.share.insert(one.share.end(), share.begin(), share.end());
    }
    figure.panels.push_back(one);
  }
  return figure;
}

ImageMap image_map(int rows, int columns) {
  ImageMap map;
  map.title = "What the model would say at each image token: layer 20";
  map.subtitle =
      "Contested: the logit lens of image tokens is a poor guide to what they "
      "hold; compare with other read-outs.";
  map.picture_width = columns * 28;
  map.picture_height = rows * 28;
  map.rows = rows;
  map.columns = columns;
  map.largest_entropy = kLnV;
  const int marked = rows / 2 * columns + columns / 3;
  for (int cell = 0; cell < rows * columns; ++cell) {
    map.value.push_back(cell == marked ? 0.8 : 6 + 5.5 * chance(cell, 7));
    map.cell_text.push_back(cell == marked ? " red"
                                           : pick(kMiddle, chance(cell, 8)));
  }
  if (!map.value.empty()) map.value.back() = std::nan("");
  return map;
}

}  // namespace lens::analysis::figures::examples
