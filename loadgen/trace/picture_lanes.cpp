// Axis, lanes and cores: see picture_parts.hpp.
#include <algorithm>
#include <array>
#include <cmath>

#include "loadgen/numbers.hpp"
#include "loadgen/trace/picture_parts.hpp"
#include "loadgen/trace/svg.hpp"

namespace comet::loadgen {
namespace {

constexpr double kTickLabelRoom = 52;
constexpr double kLetter = 6;  // width of a letter of the class `call`

std::string at_us(std::int64_t us) { return with_commas(us) + " \u00b5s"; }

std::string between(std::int64_t from, std::int64_t to) { return with_commas(from) + " to " + at_us(to); }

std::string count(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : what.ends_with("s") ? "es" : "s");
}

// 1, 2 or 5 times a power of ten: the distance of ticks.
std::int64_t tick_distance(const TimeScale& scale) {
  const double least = kTickLabelRoom * static_cast<double>(scale.end) / (scale.right - scale.left);
  const double power = std::pow(10, std::floor(std::log10(std::max(1.0, least))));
  for (const int times : {1, 2, 5})
    if (times * power >= least) return static_cast<std::int64_t>(times * power);
  return static_cast<std::int64_t>(10 * power);
}

class LanesPicture {
 public:
  LanesPicture(const Timeline& timeline, const TimeScale& scale, const RowSize& rows, double top)
      : timeline_(timeline), scale_(scale), rows_(rows), top_(top), y_(top + 34) {}

  std::string draw();
  double bottom() const { return y_; }

 private:
  void place_lanes();
  void draw_axis();
  void draw_lane(std::size_t lane);
  void draw_span(std::size_t lane, const Span& span);
  void draw_marks(std::size_t lane);
  void draw_calls(std::size_t lane);
  void draw_wake(const Wake& wake);
  void draw_core(const Core& core);
  void draw_core_use(const Core& core, const CoreUse& use);
  double middle(std::size_t lane) const { return middles_[lane]; }
  double middle_of_row(double top) const {
    return top + rows_.height - rows_.bar / 2 - (rows_.has_words ? 6 : 4);
  }
  const char* css_of(std::size_t lane) const { return is_server(lane) ? "server" : "client"; }
  bool is_server(std::size_t lane) const { return lane >= 1 && lane <= timeline_.server_lanes; }
  const std::string& label(std::size_t lane) const { return timeline_.lanes[lane].label; }
  std::string bar(std::int64_t from, std::int64_t to, double centre, double height, const char* css,
                  const std::string& tooltip) const;
  void line(double x1, double y1, double x2, double y2, const char* css) {
    svg_ += svg_tag("line", {{"x1", x1}, {"y1", y1}, {"x2", x2}, {"y2", y2}, {"class", css}});
  }

  const Timeline& timeline_;
  const TimeScale& scale_;
  const RowSize& rows_;
  const double top_;
  double y_;
  std::vector<double> middles_;  // of the lanes' bars
  std::string svg_;
  std::string words_;  // above everything else, so that no line crosses them
};

std::string LanesPicture::draw() {
  place_lanes();
  for (std::size_t i = 0; i < timeline_.lanes.size(); ++i) draw_lane(i);
  for (const Wake& wake : timeline_.wakes) draw_wake(wake);
  for (std::size_t i = 0; i < timeline_.lanes.size(); ++i) draw_marks(i);
  y_ += 4;
  line(kMargin, y_, kWidth - kMargin, y_, "rule");
  for (const Core& core : timeline_.cores) draw_core(core);
  y_ += 6;
  std::string lanes;
  lanes.swap(svg_);
  draw_axis();  // below everything else
  return svg_ + lanes + words_;
}

// Each lane's place; after the server's a line for those that slept.
void LanesPicture::place_lanes() {
  for (std::size_t i = 0; i < timeline_.lanes.size(); ++i) {
    const bool is_last = i + 1 == timeline_.lanes.size();
    if (is_last && timeline_.slept_through > 0) {
      svg_ += svg_text(kMargin, y_ + 14, rows_.has_words ? "soft" : "call",
                       "and " + count(timeline_.slept_through, timeline_.kind) + " that slept through");
      y_ += rows_.has_words ? 22 : 18;
    }
    middles_.push_back(middle_of_row(y_));
    y_ += rows_.height;
  }
}

void LanesPicture::draw_axis() {
  const std::int64_t distance = tick_distance(scale_);
  for (std::int64_t us = 0; us <= scale_.end; us += distance) {
    line(scale_.x(us), top_ + 18, scale_.x(us), y_, "grid");
    words_ += svg_text(scale_.x(us), top_ + 12, "call", with_commas(us), "middle");
  }
  words_ += svg_text(kMargin, top_ + 12, "call", "\u00b5s from the publish");
  const double x = scale_.x(timeline_.delivered);
  line(x, top_ + 18, x, y_, "moment");
  const std::string words = "all have the message";
  const bool has_room = x - scale_.left > static_cast<double>(words.size()) * kLetter;
  words_ += svg_text(has_room ? x - 4 : x + 4, top_ + 28, "call", words, has_room ? "end" : "start");
}

std::string LanesPicture::bar(std::int64_t from, std::int64_t to, double centre, double height,
                              const char* css, const std::string& tooltip) const {
  const double width = std::max(1.2, scale_.x(to) - scale_.x(from));
  return svg_tag("rect",
                 {{"x", scale_.x(from)},
                  {"y", centre - height / 2},
                  {"width", width},
                  {"height", height},
                  {"class", css}},
                 svg_tag("title", {}, svg_escaped(tooltip)));
}

void LanesPicture::draw_lane(std::size_t lane) {
  const ThreadHistory& history = timeline_.lanes[lane].history;
  const double y = middle(lane);
  words_ += svg_text(kMargin, y + (rows_.has_words ? -4 : 4), rows_.has_words ? "lane" : "call", label(lane));
  if (rows_.has_words && is_server(lane) && !history.first_sleeps_in.empty())
    words_ += svg_text(kMargin, y + 9, "call", "slept in " + history.first_sleeps_in);
  line(scale_.left, y, scale_.x(timeline_.end), y, "sleep");
  for (const Span& span : history.spans) draw_span(lane, span);
  if (rows_.has_words) draw_calls(lane);
}

void LanesPicture::draw_span(std::size_t lane, const Span& span) {
  const std::string who = label(lane) + ": ";
  if (span.state == State::kRunning) {
    const std::string then = span.call.empty() ? "" : ", then sleeps in " + span.call;
    svg_ += bar(span.from, span.to, middle(lane), rows_.bar, css_of(lane),
                who + "runs " + between(span.from, span.to) + " on core " + std::to_string(span.core) + then);
  } else {
    svg_ += bar(span.from, span.to, middle(lane), rows_.bar - 3, "wait",
                who + "waits for a core " + between(span.from, span.to));
  }
}

void LanesPicture::draw_marks(std::size_t lane) {
  static constexpr std::array kClasses{"send", "receive", "signal"};
  for (const Mark& mark : timeline_.lanes[lane].history.marks) {
    const std::int64_t us = mark.kind == MarkKind::kReceive ? mark.to : mark.from;
    const double y = middle(lane) + (mark.kind == MarkKind::kReceive ? -1 : 1) * (rows_.bar - rows_.mark) / 2;
    svg_ += svg_symbol(scale_.x(us), y, rows_.mark, kClasses[static_cast<std::size_t>(mark.kind)],
                       label(lane) + ": " + mark.call + ", " + std::to_string(mark.bytes) + " bytes, " +
                           between(mark.from, mark.to));
  }
}

// The names of the calls above the bar, those of the same name together. A name that has no room is left out:
// the tooltip has it.
void LanesPicture::draw_calls(std::size_t lane) {
  const auto& marks = timeline_.lanes[lane].history.marks;
  double free_from = scale_.left;
  for (std::size_t i = 0, next = 0; i < marks.size(); i = next) {
    while (next < marks.size() && marks[next].call == marks[i].call) ++next;
    const std::string words = marks[i].call + (next - i > 1 ? " \u00d7" + std::to_string(next - i) : "");
    const double wanted = scale_.x(marks[i].kind == MarkKind::kReceive ? marks[i].to : marks[i].from) - 4;
    const double width = static_cast<double>(words.size()) * kLetter;
    const double x = std::min(std::max(wanted, free_from), scale_.right - width);
    if (x < free_from || x > wanted + 60) continue;
    words_ += svg_text(x, middle(lane) - 10, "call", words);
    free_from = x + width + 5;
  }
}

void LanesPicture::draw_wake(const Wake& wake) {
  const double x = scale_.x(wake.us);
  const double to = middle(wake.to);
  const double from = wake.from ? middle(*wake.from) : to - rows_.height / 2;
  const double gap = rows_.bar / 2 * (from < to ? -1 : 1);
  const std::string who = wake.from ? label(*wake.from) : "an interrupt";
  const std::string call = wake.call.empty() ? "" : ", in " + wake.call;
  svg_ += svg_tag(
      "path",
      {{"d", std::string("M") + svg_number(x) + " " + svg_number(from) + "V" + svg_number(to + gap)},
       {"class", "wake"},
       {"marker-end", "url(#head)"}},
      svg_tag("title", {}, svg_escaped(who + " wakes " + label(wake.to) + " at " + at_us(wake.us) + call)));
}

void LanesPicture::draw_core(const Core& core) {
  const double height = rows_.has_words ? 24 : 17;
  words_ += svg_text(kMargin, y_ + height / 2 + 5, rows_.has_words ? "lane" : "call",
                     "core " + std::to_string(core.number));
  line(scale_.left, y_ + height / 2 + 1, scale_.x(timeline_.end), y_ + height / 2 + 1, "sleep");
  for (const CoreUse& use : core.uses) draw_core_use(core, use);
  y_ += height;
}

void LanesPicture::draw_core_use(const Core& core, const CoreUse& use) {
  const double centre = y_ + (rows_.has_words ? 24 : 17) / 2.0 + 1;
  const std::string who = use.lane ? label(*use.lane) : "another program";
  svg_ += bar(use.from, use.to, centre, 13, use.lane ? css_of(*use.lane) : "other",
              "core " + std::to_string(core.number) + ": " + who + ", " + between(use.from, use.to));
  if (!use.lane || !is_server(*use.lane)) return;
  const std::string number = std::to_string(*use.lane);
  if (scale_.x(use.to) - scale_.x(use.from) < 5 + 6 * static_cast<double>(number.size())) return;
  words_ += svg_text((scale_.x(use.from) + scale_.x(use.to)) / 2, centre + 3.5, "oncore", number, "middle");
}

}  // namespace

std::string lanes_picture(const Timeline& timeline, const TimeScale& scale, const RowSize& rows, double& y) {
  LanesPicture picture(timeline, scale, rows, y);
  std::string svg = picture.draw();
  y = picture.bottom();
  return svg;
}

std::string summary(const Timeline& timeline) {
  std::size_t wakes = 0;
  std::size_t turns = 0;
  for (const Wake& wake : timeline.wakes) wakes += wake.to >= 1 && wake.to <= timeline.server_lanes ? 1 : 0;
  for (std::size_t i = 1; i <= timeline.server_lanes; ++i)
    for (const Span& span : timeline.lanes[i].history.spans) turns += span.state == State::kRunning ? 1 : 0;
  return "All have the message after " + at_us(timeline.delivered) +
         ". The server: " + count(timeline.server_lanes, timeline.kind) + " at work, woken " +
         count(wakes, "time") + ", " + count(turns, "turn") + " on a core.";
}

}  // namespace comet::loadgen
