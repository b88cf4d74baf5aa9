// A request's target, taken apart by Boost.URL.
#pragma once

#include <boost/url/params_encoded_view.hpp>
#include <optional>
#include <string>

namespace comet::core {

struct Target {
  std::string host;                        // with the port; empty unless the target names one
  std::string path;                        // decoded
  boost::urls::params_encoded_view query;  // points into the text that was parsed
};

// Origin-form (/subscribe?x) and absolute-form (http://host/subscribe?x), RFC 9112 section 3.2; nullopt if it
// is neither. `text` must outlive the result.
std::optional<Target> parse_target(const std::string& text);

}  // namespace comet::core
