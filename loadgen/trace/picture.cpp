// Whole pictures: see picture.hpp.
#include "loadgen/trace/picture.hpp"

#include <algorithm>

#include "loadgen/trace/picture_parts.hpp"
#include "loadgen/trace/svg.hpp"

namespace comet::loadgen {
namespace {

constexpr char kCaution[] = "Recording takes time too: read the order here, and durations in the results.";

std::string title_of(const Timeline& timeline) {
  return "One publish to " + std::to_string(timeline.held) +
         (timeline.held == 1 ? " subscriber" : " subscribers");
}

std::string heading(const std::string& text, const char* css, double font_size, double& y) {
  y += font_size * 1.35;
  return svg_text(kMargin, y - font_size * 0.2, css, text);
}

}  // namespace

std::string picture_of(const Timeline& timeline) {
  const std::string title = title_of(timeline) + ": " + timeline.entry;
  TimeScale scale;
  scale.end = timeline.end;
  double y = 8;
  std::string svg = heading(title, "title", 20, y);
  y += 2;
  svg += paragraph(timeline.model, "body", 13, y);
  svg += paragraph(summary(timeline), "body", 13, y);
  y += 6;
  svg += lanes_picture(timeline, scale, kLargeRows, y);
  svg += legend({timeline}, y);
  svg += paragraph(timeline.machine + ". " + kCaution, "soft", 12, y);
  return document(title, timeline.model + ". " + summary(timeline), y + 8, svg);
}

std::string picture_of_several(const std::vector<Timeline>& timelines) {
  TimeScale scale;
  std::string description;
  for (const Timeline& timeline : timelines) {
    scale.end = std::max(scale.end, timeline.end);
    description += timeline.entry + ": " + summary(timeline) + " ";
  }
  const std::string title = title_of(timelines.front()) + ", on one scale of time";
  double y = 8;
  std::string svg = heading(title, "title", 20, y);
  svg += legend(timelines, y);
  for (const Timeline& timeline : timelines) {
    y += 10;
    svg += heading(timeline.entry, "panel", 15, y);
    svg += paragraph(timeline.model, "soft", 12, y);
    svg += paragraph(summary(timeline), "soft", 12, y);
    y += 4;
    svg += lanes_picture(timeline, scale, kSmallRows, y);
  }
  y += 8;
  svg += paragraph(timelines.front().machine + ". " + kCaution, "soft", 12, y);
  return document(title, description, y + 8, svg);
}

}  // namespace comet::loadgen
