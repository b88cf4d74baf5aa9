// Colours, legend, and the frame of the file: see picture_parts.hpp.
#include <algorithm>

#include "loadgen/trace/picture_parts.hpp"
#include "loadgen/trace/svg.hpp"

namespace comet::loadgen {
namespace {

// Colours are literals: there are viewers of SVG that know no variables, and some no dark scheme.
constexpr char kStyle[] = R"(
text { font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #1d232b; }
.paper { fill: #ffffff; }
.soft, .call, .lane { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round; }
.title { font-size: 20px; font-weight: 700; }
.panel { font-size: 15px; font-weight: 700; }
.body { font-size: 13px; }
.lane { font-size: 13px; }
.soft { font-size: 12px; fill: #596270; }
.call { font-size: 11px; fill: #596270; }
.oncore { font-size: 10px; font-weight: 700; fill: #ffffff; }
.grid { stroke: #e2e6eb; stroke-width: 1; }
.rule { stroke: #b4bdc8; stroke-width: 1; }
.moment { stroke: #1d232b; stroke-width: 1; stroke-dasharray: 3 3; }
.sleep { stroke: #b4bdc8; stroke-width: 1.5; }
.server { fill: #3b78d8; }
.client { fill: #9aa5b1; }
.wait { fill: #e8a33d; fill-opacity: 0.3; stroke: #e8a33d; stroke-width: 1; stroke-dasharray: 2 2; }
.other { fill: #d9dde2; }
.wake { stroke: #c43d2b; stroke-width: 1.3; fill: none; }
.head { fill: #c43d2b; }
.send { fill: #0f7b46; stroke: #ffffff; stroke-width: 0.8; }
.receive { fill: #7a35b8; stroke: #ffffff; stroke-width: 0.8; }
.signal { fill: #c43d2b; stroke: #ffffff; stroke-width: 0.8; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6eaef; }
  .soft, .call { fill: #a2adb9; }
  .paper { fill: #14181d; }
  .soft, .call, .lane, .send, .receive, .signal { stroke: #14181d; }
  .grid { stroke: #2a3139; }
  .rule, .sleep { stroke: #57626e; }
  .moment { stroke: #e6eaef; }
  .server { fill: #4f8ff0; }
  .client { fill: #76828f; }
  .wait { fill: #d99a3c; stroke: #d99a3c; }
  .other { fill: #39424c; }
  .wake { stroke: #ff7a66; }
  .head, .signal { fill: #ff7a66; }
  .send { fill: #47d18a; }
  .receive { fill: #c79bff; }
}
)";

constexpr double kItemGap = 18;

// About as wide as text of this size is in the fonts of the style.
double text_width(const std::string& text, double font_size) {
  return static_cast<double>(text.size()) * font_size * 0.53;
}

// Puts items beside each other and into a new line where the last one is full.
class LegendRows {
 public:
  explicit LegendRows(double& y) : y_(y) {}

  void add(const std::string& symbol, double symbol_width, const std::string& words) {
    const double width = symbol_width + 6 + text_width(words, 12);
    if (x_ + width > kWidth - kMargin) {
      x_ = kMargin;
      y_ += 20;
    }
    const std::string moved = "translate(" + svg_number(x_) + " " + svg_number(y_) + ")";
    svg += svg_tag("g", {{"transform", moved}}, symbol + svg_text(symbol_width + 6, 4, "soft", words));
    x_ += width + kItemGap;
  }

  std::string svg;

 private:
  double x_ = kMargin;
  double& y_;
};

std::string bar(const char* css) {
  return svg_tag("rect", {{"x", 0}, {"y", -5}, {"width", 22}, {"height", 10}, {"class", css}});
}

bool has_signals(const Timeline& timeline) {
  return std::any_of(timeline.lanes.begin(), timeline.lanes.end(), [](const Lane& lane) {
    return std::any_of(lane.history.marks.begin(), lane.history.marks.end(),
                       [](const Mark& mark) { return mark.kind == MarkKind::kSignal; });
  });
}

bool has_others(const Timeline& timeline) {
  return std::any_of(timeline.cores.begin(), timeline.cores.end(), [](const Core& core) {
    return std::any_of(core.uses.begin(), core.uses.end(), [](const CoreUse& use) { return !use.lane; });
  });
}

}  // namespace

std::string paragraph(const std::string& text, const char* css, double font_size, double& y) {
  const auto room = static_cast<std::size_t>((kWidth - 2 * kMargin) / text_width("m", font_size));
  std::string svg;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = text.size() - at;
    if (size > room) size = text.rfind(' ', at + room) - at;
    svg += svg_text(kMargin, y + font_size, css, text.substr(at, size));
    y += font_size * 1.4;
    at += size + 1;
  }
  return svg;
}

std::string legend(const std::vector<Timeline>& timelines, double& y) {
  y += 10;
  LegendRows rows(y);
  rows.add(bar("server"), 22, "the server runs");
  rows.add(bar("client"), 22, "the clients run");
  rows.add(bar("wait"), 22, "awake, waits for a core");
  rows.add(svg_tag("line", {{"x1", 0}, {"y1", 0}, {"x2", 22}, {"y2", 0}, {"class", "sleep"}}), 22, "sleeps");
  rows.add(svg_tag("path", {{"d", "M5-8V3"}, {"class", "wake"}, {"marker-end", "url(#head)"}}), 10, "wakes");
  rows.add(svg_symbol(5, 0, 9, "send", ""), 10, "sends");
  rows.add(svg_symbol(5, 0, 9, "receive", ""), 10, "receives");
  if (std::any_of(timelines.begin(), timelines.end(), has_signals))
    rows.add(svg_symbol(5, 0, 9, "signal", ""), 10, "writes to an eventfd or a pipe");
  if (std::any_of(timelines.begin(), timelines.end(), has_others))
    rows.add(bar("other"), 22, "another program");
  y += 14;
  return rows.svg;
}

std::string document(const std::string& title, const std::string& description, double height,
                     const std::string& content) {
  const std::string box = std::string("0 0 ") + svg_number(kWidth) + " " + svg_number(height);
  const std::string head = svg_tag("marker",
                                   {{"id", "head"},
                                    {"viewBox", "0 0 6 6"},
                                    {"refX", 5},
                                    {"refY", 3},
                                    {"markerWidth", 6},
                                    {"markerHeight", 6},
                                    {"markerUnits", "userSpaceOnUse"},
                                    {"orient", "auto"}},
                                   svg_tag("path", {{"d", "M0 0L6 3L0 6z"}, {"class", "head"}}));
  return svg_tag("svg",
                 {{"xmlns", "http://www.w3.org/2000/svg"},
                  {"viewBox", box},
                  {"width", kWidth},
                  {"height", height},
                  {"style", "max-width:100%;height:auto"},
                  {"role", "img"},
                  {"aria-labelledby", "title description"}},
                 std::string("\n") + svg_tag("title", {{"id", "title"}}, svg_escaped(title)) +
                     svg_tag("desc", {{"id", "description"}}, svg_escaped(description)) +
                     svg_tag("style", {}, kStyle) + svg_tag("defs", {}, head) +
                     svg_tag("rect", {{"width", "100%"}, {"height", "100%"}, {"class", "paper"}}) + content);
}

}  // namespace comet::loadgen
