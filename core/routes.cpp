// The contract's table of endpoints. Boost.URL takes the target and the forms apart.
#include "core/routes.hpp"

#include <algorithm>
#include <boost/url.hpp>
#include <charconv>
#include <cmath>

namespace comet::core {
namespace {

namespace urls = boost::urls;

constexpr std::size_t kLongestChannel = 64;
constexpr std::string_view kPlainText = "text/plain;charset=utf-8";

struct Target {
  std::string path;
  urls::params_encoded_view query;
};

// Origin-form (/subscribe?x) and absolute-form (http://host/subscribe?x), RFC 9112 section 3.2.
std::optional<Target> parse_target(const std::string& text) {
  const auto url = text.starts_with('/') ? urls::parse_origin_form(text) : urls::parse_uri(text);
  if (!url) return std::nullopt;
  const auto scheme = url->scheme_id();
  if (url->has_scheme() && scheme != urls::scheme::http && scheme != urls::scheme::https) return std::nullopt;
  // RFC 9110 sections 4.2.1 and 4.2.4: a host must be there, a user must not.
  if (url->has_scheme() && (url->encoded_host().empty() || url->has_userinfo())) return std::nullopt;
  return Target{url->path(), url->encoded_params()};
}

// The first parameter of that name, decoded with '+' as a space.
std::optional<std::string> find_parameter(const urls::params_encoded_view& parameters,
                                          std::string_view name) {
  urls::encoding_opts options;
  options.space_as_plus = true;
  for (const auto parameter : parameters) {
    if (*parameter.key == name) return parameter.value.decode(options);
  }
  return std::nullopt;
}

bool is_channel_name(std::string_view name) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= kLongestChannel &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

// Decimal seconds, 0 or more, cut to `longest`. Rounded up to a tenth, so that one server sees few distinct
// holds.
std::optional<Milliseconds> parse_seconds(std::string_view text, Milliseconds longest) {
  double seconds = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(seconds) ||
      std::signbit(seconds)) {
    return std::nullopt;
  }
  if (seconds * 1000 >= static_cast<double>(longest.count())) return longest;
  return std::min(longest, Milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 10)) * 100));
}

ReplyForm form_of(const HttpRequest& request, const Options& options) {
  return {.keep_alive = request.keep_alive,
          .head_only = request.method == Method::head,
          .idle_seconds = options.announced_idle_seconds()};
}

Reply error_reply(int status, std::string_view text, ReplyForm form, std::string_view extra_headers = {}) {
  return Reply{error_response(status, text, form, extra_headers)};
}

// nullopt where the name is not allowed; "all" where none is given.
std::optional<std::string> channel_of(const Target& target) {
  auto name = find_parameter(target.query, "channel");
  if (!name) return "all";
  if (!is_channel_name(*name)) return std::nullopt;
  return name;
}

constexpr std::string_view kBadChannel = "channel must be 1 to 64 of A-Za-z0-9._-";
constexpr std::string_view kNoMessage =
    "no message: send text/plain, or a form field or parameter 'message' with '%' written as %25";

Decision route_subscribe(const Target& target, ReplyForm form, const Options& options) {
  Subscribe subscribe{.channel = {}, .since = {}, .hold = options.hold_timeout, .form = form};
  auto channel = channel_of(target);
  if (!channel) return error_reply(400, kBadChannel, form);
  subscribe.channel = std::move(*channel);
  if (const auto since = find_parameter(target.query, "since")) {
    subscribe.since = parse_cursor(*since);
    if (!subscribe.since) return error_reply(400, "since must be 0 or MILLISECONDS-SEQUENCE", form);
  }
  if (const auto timeout = find_parameter(target.query, "timeout")) {
    const auto hold = parse_seconds(*timeout, options.hold_timeout);
    if (!hold) return error_reply(400, "timeout must be seconds, 0 or more", form);
    subscribe.hold = *hold;
  }
  if (form.head_only) subscribe.hold = Milliseconds{0};
  return subscribe;
}

// A form may hold bytes that Boost.URL takes in no query (`curl -d 'message=hello world'` sends the space as
// it is): they are percent-encoded here.
std::string encode_rest(std::string_view form) {
  constexpr auto kTaken = urls::pchars + '/' + '?';
  std::string text;
  text.reserve(form.size());
  for (const char byte : form) {
    if (kTaken(byte) || byte == '%')
      text += byte;
    else
      text += urls::encode({&byte, 1}, kTaken);
  }
  return text;
}

// Takes as long for any token of the same length, so that nobody finds it out byte by byte.
bool same_token(std::string_view shown, std::string_view token) {
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
  const std::string_view scheme = authorization.substr(0, kScheme.size());
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  if (!std::equal(scheme.begin(), scheme.end(), kScheme.begin(), kScheme.end(), same)) return false;
  return same_token(authorization.substr(kScheme.size()), token);
}

// The message: ?message= of a GET, the field of a form, or the raw body.
std::optional<std::string> message_of(HttpRequest& request, const Target& target) {
  if (request.method == Method::get) return find_parameter(target.query, "message");
  if (!request.has_body) return std::nullopt;
  if (request.body_type != BodyType::form) return std::move(request.body);
  const std::string text = encode_rest(request.body);
  const auto form = urls::parse_query(text);
  if (!form) return std::nullopt;
  return find_parameter(*form, "message");
}

Decision route_publish(HttpRequest& request, const Target& target, ReplyForm form, const Options& options) {
  auto channel = channel_of(target);
  if (!channel) return error_reply(400, kBadChannel, form);
  if (request.method == Method::post && request.body_type == BodyType::other) {
    return error_reply(415, "send a form with a message field, or text/plain", form);
  }
  auto message = message_of(request, target);
  if (!message) return error_reply(400, kNoMessage, form);
  if (message->size() > options.max_message)
    return error_reply(413, "the message is over --max-message bytes", form);
  return Publish{.channel = std::move(*channel), .body = std::move(*message), .form = form};
}

Decision route_page(const Target& target, ReplyForm form, const Service& service) {
  if (target.path == "/stats") {
    return Reply{page_response("application/json", stats_json(service.read_stats()), form)};
  }
  if (target.path == "/metrics") {
    return Reply{page_response("text/plain; version=0.0.4", stats_prometheus(service.read_stats()), form)};
  }
  return Reply{page_response(kPlainText, "ok", form)};
}

}  // namespace

// A browser says by Sec-Fetch-Site (W3C, Fetch Metadata Request Headers) for whom it asks. A page of another
// site needs no answer to do harm; one of the same site, another port say, is the publisher's own.
std::optional<Refusal> refuse_publisher(const HttpRequest& request, const Options& options) {
  if (!request.cross_site && options.publish_token.empty()) return std::nullopt;
  const auto target = parse_target(request.target);
  if (!target || target->path != "/publish") return std::nullopt;
  if (request.cross_site) return Refusal{403, "pages of other sites may not publish"};
  if (shows_token(request.authorization, options.publish_token)) return std::nullopt;
  return Refusal{401, "publishing needs the header 'Authorization: Bearer TOKEN'"};
}

Decision route(HttpRequest&& request, const Service& service) {
  const ReplyForm form = form_of(request, service.options);
  if (request.method == Method::unknown) return error_reply(501, "this method is not implemented", form);
  // Asterisk-form, RFC 9112 section 3.2.4: the server as a whole, which none of our methods asks for.
  if (request.target == "*" && request.method == Method::other_registered) {
    return error_reply(405, "this method is not allowed here", form, "Allow: GET, HEAD, POST\r\n");
  }
  const auto target = parse_target(request.target);
  if (!target) return error_reply(400, "malformed request target", form);
  if (const auto why = refuse_publisher(request, service.options))
    return error_reply(why->status, why->text, form);

  const bool is_publish = target->path == "/publish";
  const bool is_subscribe = target->path == "/subscribe";
  const bool is_page = target->path == "/stats" || target->path == "/metrics" || target->path == "/healthz";
  if (!is_publish && !is_subscribe && !is_page) {
    return error_reply(404, "no such page: try /subscribe, /publish, /stats, /metrics or /healthz", form);
  }
  const Method other = is_publish ? Method::post : Method::head;
  if (request.method != Method::get && request.method != other) {
    return error_reply(405, "this method is not allowed here", form,
                  is_publish ? "Allow: GET, POST\r\n" : "Allow: GET, HEAD\r\n");
  }
  if (is_publish) return route_publish(request, *target, form, service.options);
  if (is_subscribe) return route_subscribe(*target, form, service.options);
  return route_page(*target, form, service);
}

}  // namespace comet::core
