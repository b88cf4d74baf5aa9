// The data that the results page draws from one result file.
#pragma once

#include <boost/json/object.hpp>

#include "loadgen/driver/manifest.hpp"

namespace comet::loadgen {

// `floor`: the floor's result for the same scenario, size and rate; null if there is none. `mechanisms`: from
// mechanisms_json(); empty if none was measured. `budget`: the entry's.
boost::json::object series_json(const boost::json::value& result, const boost::json::value* floor,
                                const boost::json::object& mechanisms, const Budget& budget);

}  // namespace comet::loadgen
