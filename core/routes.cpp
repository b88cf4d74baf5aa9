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

// Decimal seconds, 0 or more, cut to `longest`. Rounded up to a tenth, so that one server sees few
// distinct holds.
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

// nullopt if the name is not allowed; "all" if none is given.
std::optional<std::string> channel_of(const Target& target) {
  auto name = find_parameter(target.query, "channel");
  if (!name) return "all";
  if (!is_channel_name(*name)) return std::nullopt;
  return name;
}

constexpr std::string_view kBadChannel = "channel must be 1 to 64 of A-Za-z0-9._-";
constexpr std::string_view kNoMessage =
    "no message: send text/plain, or a form field or parameter 'message' with '%' written as %25";

constexpr std::string_view kNotARelay =
    "this server takes messages from its relay alone, with Comet-Cursor: publish there";

Decision route_subscribe(const Target& target, ReplyForm form, const Options& options) {
  Subscribe subscribe{.channel = {},
                      .since = {},
                      .hold = options.hold_timeout,
                      .form = form,
                      .joined = options.joined.has_value()};
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

// Subscribers get the body's bytes as UTF-8 text: what says that they are something else is not passed over.
std::optional<Reply> refuse_body(const HttpRequest& request, ReplyForm form) {
  if (request.body_type == BodyType::other) {
    return error_reply(415, "send a form with a message field, or text/plain", form);
  }
  if (request.is_encoded) {  // RFC 9110 section 15.5.16 asks for the header
    return error_reply(415, "send the message without Content-Encoding", form,
                       "Accept-Encoding: identity\r\n");
  }
  if (!request.is_utf8)
    return error_reply(415, "send the message in UTF-8, with charset=utf-8 or none", form);
  return std::nullopt;
}

Decision route_publish(HttpRequest& request, const Target& target, ReplyForm form, const Options& options) {
  Cursor cursor;
  if (options.joined) {
    if (request.cursor.empty()) return error_reply(421, kNotARelay, form);
    cursor = parse_cursor(request.cursor).value_or(Cursor{});
    if (cursor == Cursor{}) return error_reply(400, "Comet-Cursor must be MILLISECONDS-SEQUENCE", form);
  }
  auto channel = channel_of(target);
  if (!channel) return error_reply(400, kBadChannel, form);
  if (request.method == Method::post) {
    if (auto refusal = refuse_body(request, form)) return std::move(*refusal);
  }
  auto message = message_of(request, target);
  if (!message) return error_reply(400, kNoMessage, form);
  if (message->size() > options.max_message)
    return error_reply(413, "the message is over --max-message bytes", form);
  return Publish{.channel = std::move(*channel), .body = std::move(*message), .form = form, .cursor = cursor};
}

Decision route_page(const Target& target, ReplyForm form, const Service& service) {
  if (target.path == "/stats") {
    return Reply{page_response("application/json", stats_json(service.read_stats()), form)};
  }
  if (target.path == "/ready" && !service.is_ready()) {
    return Reply{service.unavailable("not ready", form)};
  }
  if (target.path == "/metrics") {
    return Reply{page_response("text/plain; version=0.0.4", stats_prometheus(service.read_stats()), form)};
  }
  return Reply{page_response(kPlainText, "ok", form)};
}

}  // namespace

bool is_channel_name(std::string_view name) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= kLongestChannel &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Decision route(HttpRequest&& request, const std::optional<Target>& target, const Service& service) {
  const ReplyForm form = form_of(request, service.options);
  if (request.method == Method::unknown) return error_reply(501, "this method is not implemented", form);
  // Asterisk-form, RFC 9112 section 3.2.4: the server as a whole, which none of our methods asks for.
  if (request.target == "*" && request.method == Method::other_registered) {
    return error_reply(405, "this method is not allowed here", form, "Allow: GET, HEAD, POST\r\n");
  }
  if (!target) return error_reply(400, "malformed request target", form);

  const bool is_publish = target->path == "/publish";
  const bool is_subscribe = target->path == "/subscribe";
  const bool is_page = target->path == "/stats" || target->path == "/metrics" || target->path == "/healthz" ||
                       (target->path == "/ready" && service.is_ready);
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
