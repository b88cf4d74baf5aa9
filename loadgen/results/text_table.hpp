// Text tables with aligned columns.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace comet::loadgen {

// Each column is as wide as its widest cell. The columns of `left` (texts) are aligned to the left, the
// others (figures) to the right. There is at least one row, and all have the same number of cells.
std::string aligned(const std::vector<std::vector<std::string>>& rows,
                    const std::set<std::size_t>& left = {0});

}  // namespace comet::loadgen
