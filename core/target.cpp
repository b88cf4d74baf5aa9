// The two forms of a target that servers are asked with.
#include "core/target.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace comet::core {

namespace urls = boost::urls;

std::optional<Target> parse_target(const std::string& text) {
  // No fragment in either form. The rule that takes one, parse_uri, may read beyond "?#" in Boost 1.81.
  const auto url = text.starts_with('/') ? urls::parse_origin_form(text) : urls::parse_absolute_uri(text);
  if (!url) return std::nullopt;
  const auto scheme = url->scheme_id();
  if (url->has_scheme() && scheme != urls::scheme::http && scheme != urls::scheme::https) return std::nullopt;
  // RFC 9110 sections 4.2.1 and 4.2.4: a host must be there, a user must not.
  if (url->has_scheme() && (url->encoded_host().empty() || url->has_userinfo())) return std::nullopt;
  return Target{std::string(url->encoded_host_and_port()), url->path(), url->encoded_params()};
}

}  // namespace comet::core
