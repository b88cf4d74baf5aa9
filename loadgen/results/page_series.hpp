// What the results page draws of one result file.
#pragma once

#include <boost/json/object.hpp>

#include "loadgen/driver/manifest.hpp"

namespace comet::loadgen {

// `floor`: the floor's file of the same scenario, size and rate; null where there is none. `mechanisms`: of
// budget.hpp; empty where none was measured. `budget`: the entry's.
boost::json::object series_json(const boost::json::value& result, const boost::json::value* floor,
                                const boost::json::object& mechanisms, const Budget& budget);

}  // namespace comet::loadgen
