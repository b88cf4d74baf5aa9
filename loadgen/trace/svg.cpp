// SVG as text: see svg.hpp.
#include "loadgen/trace/svg.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

namespace comet::loadgen {

std::string svg_number(double number) {
  const double rounded = std::round(number * 10) / 10 + 0.0;  // + 0: of -0, "0"
  std::array<char, 400> text;
  std::snprintf(text.data(), text.size(), rounded == std::round(rounded) ? "%.0f" : "%.1f", rounded);
  return text.data();
}

std::string svg_escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string svg_tag(const char* name, std::initializer_list<Attribute> attributes,
                    const std::string& content) {
  std::string result = std::string("<") + name;
  for (const Attribute& attribute : attributes)
    result += std::string(" ") + attribute.name + "=\"" + svg_escaped(attribute.value) + "\"";
  return result + (content.empty() ? "/>\n" : ">" + content + "</" + name + ">\n");
}

std::string svg_text(double x, double y, const char* css, const std::string& text, const char* anchor) {
  return svg_tag("text", {{"x", x}, {"y", y}, {"class", css}, {"text-anchor", anchor}}, svg_escaped(text));
}

std::string svg_symbol(double x, double y, double size, const std::string& css, const std::string& tooltip) {
  const double half = size / 2;
  std::vector<std::pair<double, double>> corners{{x, y - half}, {x + half, y}, {x, y + half}, {x - half, y}};
  if (css == "send") corners = {{x, y - half}, {x + half, y + half}, {x - half, y + half}};
  if (css == "receive") corners = {{x, y + half}, {x + half, y - half}, {x - half, y - half}};
  std::string points;
  for (const auto& [across, down] : corners)
    points.append(points.empty() ? "" : " ").append(svg_number(across)).append(",").append(svg_number(down));
  return svg_tag("polygon", {{"points", points}, {"class", css}},
                 tooltip.empty() ? "" : svg_tag("title", {}, svg_escaped(tooltip)));
}

}  // namespace comet::loadgen
