// Rows of a text table with their columns aligned.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace comet::loadgen {

// Each column as wide as its widest cell: the columns of `left`, texts, to the left, the others, figures, to the right.
// All rows have as many cells as the first; there is one.
std::string aligned(const std::vector<std::vector<std::string>>& rows,
                    const std::set<std::size_t>& left = {0});

}  // namespace comet::loadgen
