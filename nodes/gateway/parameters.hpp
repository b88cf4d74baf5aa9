// A parameter of a request's target.
#pragma once

#include <boost/url/decode_view.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/target.hpp"

namespace comet::gateway {

// The first of that name, decoded.
inline std::optional<std::string> parameter(const core::Target& target, std::string_view name) {
  boost::urls::encoding_opts options;
  options.space_as_plus = true;
  for (const auto found : target.query) {
    if (*found.key == name) return found.value.decode(options);
  }
  return std::nullopt;
}

}  // namespace comet::gateway
