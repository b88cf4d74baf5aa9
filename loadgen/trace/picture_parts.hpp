// The parts that a picture is put together from. Each gives SVG text.
#pragma once

#include <string>
#include <vector>

#include "loadgen/trace/timeline.hpp"

namespace comet::loadgen {

constexpr double kWidth = 720;  // of the picture; it is scaled to the page
constexpr double kMargin = 14;

// Where time is on the picture.
struct TimeScale {
  double left = 130, right = kWidth - kMargin - 8;  // x of the publish and of `end`
  std::int64_t end = 1;

  double x(std::int64_t us) const {
    return left + (right - left) * static_cast<double>(us) / static_cast<double>(end);
  }
};

struct RowSize {
  double height, bar, mark;
  bool has_words;  // in which call a thread sleeps, sends and receives
};
constexpr RowSize kLargeRows{36, 11, 9, true};
constexpr RowSize kSmallRows{17, 9, 7, false};

// Axis, lanes, cores. `y` is the upper edge, and is moved to the lower one.
std::string lanes_picture(const Timeline& timeline, const TimeScale& scale, const RowSize& rows, double& y);

// "All 8 have the message after 182 us. ..."
std::string summary(const Timeline& timeline);

// Text of the class `css`, wrapped at the right margin. `y` is moved below it.
std::string paragraph(const std::string& text, const char* css, double font_size, double& y);

std::string legend(const std::vector<Timeline>& timelines, double& y);

// The whole file. `description` is for those who cannot see the picture.
std::string document(const std::string& title, const std::string& description, double height,
                     const std::string& content);

}  // namespace comet::loadgen
