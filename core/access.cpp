// A page of any site can make a browser send requests to this server. Three things tell such a request apart.
//
// Host: a site may let its own name resolve to 127.0.0.1 (DNS rebinding). The browser then takes this server
// for that site, sends what its page asks, and lets it read the answer; but it calls the server by the site's
// name. Sec-Fetch-Site: what the browser itself says of the page. It is left out over plain http to any other
// name than localhost. Origin: the page's site; it comes with every POST, and there it is the next best.
#include "core/access.hpp"

#include <algorithm>
#include <boost/url/grammar/ci_string.hpp>
#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>

namespace comet::core {
namespace {

namespace urls = boost::urls;
using urls::grammar::ci_is_equal;

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  return has_port ? host.substr(0, colon) : host;
}

// 0.0.0.0 and :: are not taken: they too lead to this machine, but browsers leave out Sec-Fetch-Site there.
bool is_address(std::string_view name) {
  if (const auto ipv4 = urls::parse_ipv4_address(name)) return !ipv4->is_unspecified();
  if (!name.starts_with('[') || !name.ends_with(']')) return false;
  const auto ipv6 = urls::parse_ipv6_address(name.substr(1, name.size() - 2));
  return ipv6 && !ipv6->is_unspecified();
}

// No site can let one of these names resolve to an address of its choice, and an address resolves to
// nothing else.
bool is_own_name(std::string_view name, const Options& options) {
  constexpr std::string_view kLocalhost = "localhost", kSubdomain = ".localhost";
  return is_address(name) || ci_is_equal(name, kLocalhost) ||
         (name.size() > kSubdomain.size() &&
          ci_is_equal(name.substr(name.size() - kSubdomain.size()), kSubdomain)) ||
         std::any_of(options.allowed_hosts.begin(), options.allowed_hosts.end(),
                     [name](const std::string& allowed) { return ci_is_equal(name, allowed); });
}

// "SCHEME://HOST" or "SCHEME://HOST:PORT" against the same host. A page without a site says "null".
bool is_of_host(std::string_view origin, std::string_view host) {
  const std::size_t scheme_end = origin.find("://");
  return scheme_end != std::string_view::npos && ci_is_equal(origin.substr(scheme_end + 3), host);
}

bool is_of_another_site(const HttpRequest& request, std::string_view host) {
  if (request.fetch_site != FetchSite::not_said) return request.fetch_site == FetchSite::other;
  return !request.origin.empty() && !is_of_host(request.origin, host);
}

// Takes as long for any token of the same length, so that nobody finds it out byte by byte.
bool is_same_token(std::string_view shown, std::string_view token) {
  if (shown.size() != token.size()) return false;
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < token.size(); ++i) {
    difference = difference | static_cast<unsigned char>(shown[i] ^ token[i]);
  }
  return difference == 0;
}

// "Bearer TOKEN" (RFC 6750 section 2.1), the scheme in any case.
bool shows_token(std::string_view authorization, std::string_view token) {
  constexpr std::string_view kScheme = "bearer ";
  return ci_is_equal(authorization.substr(0, kScheme.size()), kScheme) &&
         is_same_token(authorization.substr(kScheme.size()), token);
}

}  // namespace

std::optional<Refusal> refuse_sender(const HttpRequest& request, const Target& target,
                                     const Options& options) {
  // RFC 9112 section 3.2.2: a host in the target counts, and Host does not.
  const std::string& host = target.host.empty() ? request.host : target.host;
  if ((options.on_loopback || !options.allowed_hosts.empty()) && !host.empty() &&
      !is_own_name(without_port(host), options)) {
    return Refusal{403,
                   "Host is not a name of this server: use localhost, or start it with --allow-host NAME"};
  }
  if (target.path != "/publish") return std::nullopt;
  if (is_of_another_site(request, host)) {
    return Refusal{403, "pages of other sites may not publish: Sec-Fetch-Site or Origin names another site"};
  }
  if (options.publish_token.empty() || shows_token(request.authorization, options.publish_token)) {
    return std::nullopt;
  }
  return Refusal{401, options.joined
                          ? "this server takes messages only with its relay's token: publish at the relay"
                          : "publishing needs the header 'Authorization: Bearer TOKEN'"};
}

}  // namespace comet::core
