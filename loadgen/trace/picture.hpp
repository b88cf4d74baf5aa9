// Timelines as a picture: an SVG file that needs nothing else, for light and dark pages.
#pragma once

#include <string>
#include <vector>

#include "loadgen/trace/timeline.hpp"

namespace comet::loadgen {

std::string picture_of(const Timeline& timeline);

// One below the other, on the same scale of time. `timelines` is not empty.
std::string picture_of_several(const std::vector<Timeline>& timelines);

}  // namespace comet::loadgen
