// The request line: its words, the forms of its target, its version.
#include "tests/hardening/framing_cases.hpp"

namespace comet::test {
namespace {

using namespace std::string_literals;
constexpr After kCloses = After::closes;
constexpr After kServesOn = After::serves_on;

std::string with_line(const std::string& line) { return line + "\r\nHost: localhost\r\n\r\n"; }
std::string with_target(const std::string& target) { return with_line("GET " + target + " HTTP/1.1"); }

std::string many_empty_lines() {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "\r\n";
  return lines;
}

}  // namespace

std::vector<FramingCase> request_line_cases() {
  return {
      {"empty line before the request", "2.2", "\r\n"s + with_target("/healthz"), {200}, kServesOn},
      {"many empty lines", "2.2", many_empty_lines() + with_target("/healthz"), {200}, kServesOn},
      {"bare LF before the request", "2.2", "\n"s + with_target("/healthz"), {400}, kCloses},
      {"bare CR before the request", "2.2", "\r"s + with_target("/healthz"), {400}, kCloses},
      {"bare LF ends the line", "2.2", "GET /healthz HTTP/1.1\nHost: a\r\n\r\n", {400}, kCloses},
      {"bare CR ends the line", "2.2", "GET /healthz HTTP/1.1\rHost: a\r\n\r\n", {400}, kCloses},
      {"CR CR LF ends the line", "2.2", "GET /healthz HTTP/1.1\r\r\nHost: a\r\n\r\n", {400}, kCloses},
      {"space before the first field",
       "2.2",
       "GET /healthz HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n",
       {400},
       kCloses},
      {"leading space", "3", with_line(" GET /healthz HTTP/1.1"), {400}, kCloses},
      {"two spaces", "3", with_line("GET  /healthz HTTP/1.1"), {400}, kCloses},
      {"two spaces before the version", "3", with_line("GET /healthz  HTTP/1.1"), {400}, kCloses},
      {"tabs for spaces", "3", with_line("GET\t/healthz\tHTTP/1.1"), {400}, kCloses},
      {"vertical tab for a space", "3", with_line("GET\v/healthz HTTP/1.1"), {400}, kCloses},
      {"trailing space", "3", with_line("GET /healthz HTTP/1.1 "), {400}, kCloses},
      {"fourth word", "3", with_line("GET /healthz HTTP/1.1 HTTP/1.1"), {400}, kCloses},
      {"space in the target", "3.2", with_target("/health z"), {400}, kCloses},
      {"line of over 8 KiB", "3", with_target("/" + std::string(8300, 'a')), {414}, kCloses},
      {"line of over 8 KiB without end", "3", "GET /" + std::string(40000, 'a'), {414}, kCloses},
      {"no version", "3", with_line("GET /healthz"), {400}, kCloses},
      {"method only", "3", with_line("GET"), {400}, kCloses},
      {"method with a separator", "9110 9.1", with_line("G@T /healthz HTTP/1.1"), {400}, kCloses},
      {"method in lower case", "9110 9.1", with_line("get /healthz HTTP/1.1"), {501}, kServesOn},
      {"method unknown", "9110 9.1", with_line("BREW /healthz HTTP/1.1"), {501}, kServesOn},
      {"NUL in the method", "9110 5.5", with_line("GE\0T /healthz HTTP/1.1"s), {400}, kCloses},
      {"version 2.0", "2.3", with_line("GET /healthz HTTP/2.0"), {505}, kCloses},
      // 9110 2.5 says SHOULD to taking it for 1.1; there is no such version, and the contract refuses it.
      {"version 1.2", "9110 2.5", with_line("GET /healthz HTTP/1.2"), {505}, kCloses},
      {"version 0.9", "2.3", with_line("GET /healthz HTTP/0.9"), {505}, kCloses},
      {"version 1.10", "2.3", with_line("GET /healthz HTTP/1.10"), {400}, kCloses},
      {"version 01.1", "2.3", with_line("GET /healthz HTTP/01.1"), {400}, kCloses},
      {"version 1,1", "2.3", with_line("GET /healthz HTTP/1,1"), {400}, kCloses},
      {"version in lower case", "2.3", with_line("GET /healthz http/1.1"), {400}, kCloses},
      {"space in the version", "2.3", with_line("GET /healthz HTTP/ 1.1"), {400}, kCloses},
      {"other protocol", "2.3", with_line("GET /healthz ICY/1.1"), {400}, kCloses},
      {"preface of HTTP/2", "9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}, kCloses},
      {"greeting of TLS", "3", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n"s, {400}, kCloses},
  };
}

std::vector<FramingCase> target_cases() {
  return {
      {"absolute-form", "3.2.2", with_target("http://localhost/healthz"), {200}, kServesOn},
      {"absolute-form of another host",
       "3.2.2",
       with_target("http://127.0.0.1:99/healthz?x"),
       {200},
       kServesOn},
      {"absolute-form in upper case",
       "9110 4.2.3",
       with_target("HTTP://LOCALHOST/healthz"),
       {200},
       kServesOn},
      {"absolute-form without a path", "3.2.2", with_target("http://localhost"), {404}, kServesOn},
      {"absolute-form without Host", "3.2", "GET http://localhost/healthz HTTP/1.1\r\n\r\n", {400}, kCloses},
      {"absolute-form without a host", "9110 4.2.1", with_target("http:///healthz"), {400}, kServesOn},
      {"absolute-form without slashes", "9110 4.2.1", with_target("http:/healthz"), {400}, kServesOn},
      {"absolute-form with a user", "9110 4.2.4", with_target("http://u:p@a/healthz"), {400}, kServesOn},
      {"absolute-form of another scheme", "3.2.2", with_target("ftp://a/healthz"), {400}, kServesOn},
      {"authority-form for GET", "3.2.3", with_target("a:80"), {400}, kServesOn},
      {"authority-form for CONNECT", "3.2.3", with_line("CONNECT a:80 HTTP/1.1"), {400}, kServesOn},
      {"asterisk-form for OPTIONS", "3.2.4", with_line("OPTIONS * HTTP/1.1"), {405}, kServesOn},
      {"asterisk-form for GET", "3.2.4", with_target("*"), {400}, kServesOn},
      {"asterisk and a path", "3.2.4", with_line("OPTIONS */healthz HTTP/1.1"), {400}, kServesOn},
      {"no leading slash", "3.2.1", with_target("healthz"), {400}, kServesOn},
      {"fragment", "3.2.1", with_target("/healthz#x"), {400}, kServesOn},
      {"backslash", "3.2.1", with_target("\\healthz"), {400}, kServesOn},
      {"two slashes", "3.2.1", with_target("//healthz"), {404}, kServesOn},
      {"dot segments", "3.2.1", with_target("/x/../healthz"), {404}, kServesOn},
      {"byte over 127", "3.2", with_target("/healthz\xc3\xa9"), {400}, kServesOn},
      {"NUL", "3.2", with_target("/health\0z"s), {400}, kCloses},
      {"DEL", "3.2", with_target("/health\x7fz"), {400}, kCloses},
      {"percent-encoded letter", "9110 4.2.3", with_target("/%68ealthz"), {200}, kServesOn},
      {"percent-encoded slash", "9110 4.2.3", with_target("/healthz%2f"), {404}, kServesOn},
      {"percent-encoded question mark",
       "9110 4.2.3",
       with_target("/subscribe%3ftimeout=0"),
       {404},
       kServesOn},
      {"percent-encoded NUL", "9110 4.2.3", with_target("/healthz%00"), {404}, kServesOn},
      {"percent-encoded line end", "9110 4.2.3", with_target("/healthz%0d%0aX:%20y"), {404}, kServesOn},
      {"percent-encoded line end in a channel",
       "9110 4.2.3",
       with_target("/subscribe?channel=a%0d%0ab"),
       {400},
       kServesOn},
      {"percent-encoding cut short", "9110 4.2.3", with_target("/healthz%6"), {400}, kServesOn},
      {"percent-encoding not hexadecimal", "9110 4.2.3", with_target("/healthz%zz"), {400}, kServesOn},
  };
}

}  // namespace comet::test
