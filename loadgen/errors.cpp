// Error texts: see errors.hpp.
#include "loadgen/errors.hpp"

#include <cerrno>
#include <cstring>

namespace comet::loadgen {

std::string system_error_text(const std::string& what) { return what + ": " + std::strerror(errno); }

}  // namespace comet::loadgen
