// The figures of many nodes, as nodes/bench writes them, in the form that the results page needs.
#pragma once

#include <boost/json/value.hpp>

namespace comet::loadgen {

// The run's facts, and each figure with its words, notes and number of repeats, and its values as [median,
// smallest, largest]; null in their place if no repeat gave one.
boost::json::object nodes_json(const boost::json::value& nodes);

}  // namespace comet::loadgen
