#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "control/cli/bench_text.h"
#include "control/cli/short_units.h"

namespace tombolo::control {
namespace {

// All in pixels.
constexpr double kPanelWidth = 520;
constexpr double kHeight = 400;
constexpr double kLeft = 80;
constexpr double kRight = 20;
constexpr double kTop = 60;
constexpr double kBottom = 60;
constexpr size_t kMostSizeLabels = 8;

struct Panel {
  std::string heading;
  std::string colour;
  std::vector<std::pair<double, double>> points = {};  // Size in bytes; value.
  double x0 = 0;                                       // Of the panel.
};

// From a logarithm to pixels.
struct Axis {
  double low = 0;
  double high = 1;  // Decades or doublings.
  double from = 0;
  double to = 1;

  double At(double logarithm) const {
    return from + (logarithm - low) / (high - low) * (to - from);
  }
};

Axis ValueAxis(const Panel& panel) {
  Axis axis{.low = 1e9, .high = -1e9, .from = kHeight - kBottom, .to = kTop};
  for (const auto& [size, value] : panel.points) {
    const double logarithm = std::log10(std::max(value, 1e-6));
    axis.low = std::min(axis.low, std::floor(logarithm));
    axis.high = std::max(axis.high, std::floor(logarithm) + 1);
  }
  return axis;
}

Axis SizeAxis(const Panel& panel) {
  Axis axis{.from = panel.x0 + kLeft, .to = panel.x0 + kPanelWidth - kRight};
  axis.low = std::log2(panel.points.front().first) - 0.5;
  axis.high = std::log2(panel.points.back().first) + 0.5;
  return axis;
}

std::string Text(double x, double y, const char* anchor, const std::string& text) {
  return absl::StrCat("<text x=\"", x, "\" y=\"", y, "\" text-anchor=\"", anchor, "\">", text,
                      "</text>\n");
}

std::string Line(double x1, double y1, double x2, double y2) {
  return absl::StrCat("<line x1=\"", x1, "\" y1=\"", y1, "\" x2=\"", x2, "\" y2=\"", y2,
                      "\" stroke=\"#cccccc\"/>\n");
}

std::string Grid(const Panel& panel, const Axis& x, const Axis& y) {
  std::string svg;
  for (int decade = static_cast<int>(y.low); decade <= static_cast<int>(y.high); ++decade) {
    svg += Line(x.from, y.At(decade), x.to, y.At(decade));
    svg += Text(x.from - 8, y.At(decade) + 4, "end", absl::StrCat(std::pow(10, decade)));
  }
  const size_t step = panel.points.size() / kMostSizeLabels + 1;
  for (size_t i = 0; i < panel.points.size(); i += step) {
    const double size = panel.points[i].first;
    const double at = x.At(std::log2(size));
    svg += Line(at, y.from, at, y.to);
    svg += Text(at, y.from + 20, "middle", ShortBytes(static_cast<uint64_t>(size)));
  }
  return svg;
}

std::string Draw(const Panel& panel) {
  const Axis x = SizeAxis(panel);
  const Axis y = ValueAxis(panel);
  std::string svg = Text((x.from + x.to) / 2, kTop - 12, "middle", panel.heading);
  svg += Grid(panel, x, y);
  std::string places;
  for (const auto& [size, value] : panel.points) {
    const double at_x = x.At(std::log2(size));
    const double at_y = y.At(std::log10(std::max(value, 1e-6)));
    absl::StrAppend(&places, at_x, ",", at_y, " ");
    absl::StrAppend(&svg, "<circle cx=\"", at_x, "\" cy=\"", at_y, "\" r=\"3\" fill=\"",
                    panel.colour, "\"/>\n");
  }
  return absl::StrCat(svg, "<polyline points=\"", places, "\" fill=\"none\" stroke=\"",
                      panel.colour, "\" stroke-width=\"2\"/>\n",
                      Text((x.from + x.to) / 2, kHeight - 16, "middle", "message size"));
}

}  // namespace

std::string BenchPlot(const std::string& title, const std::vector<SizeFigures>& figures) {
  Panel latency{.heading = "latency (median), us", .colour = "#2471a3"};
  Panel bandwidth{.heading = "bandwidth, MB/s", .colour = "#c0392b", .x0 = kPanelWidth};
  for (const SizeFigures& one : figures) {
    const auto size = static_cast<double>(one.bytes);
    latency.points.emplace_back(size, one.median_ns / 1e3);
    bandwidth.points.emplace_back(size, one.BytesPerSecond() / 1e6);
  }
  const std::string safe_title =
      absl::StrReplaceAll(title, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
  return absl::StrCat("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", 2 * kPanelWidth,
                      "\" height=\"", kHeight, "\" font-family=\"sans-serif\" font-size=\"12\">\n",
                      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
                      "<g font-size=\"15\">", Text(kPanelWidth, 24, "middle", safe_title), "</g>\n",
                      Draw(latency), Draw(bandwidth), "</svg>\n");
}

}  // namespace tombolo::control
