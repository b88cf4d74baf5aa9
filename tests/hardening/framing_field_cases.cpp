// The lines of the head, and which requests share a connection.
#include "tests/hardening/framing_cases.hpp"

namespace comet::test {
namespace {

using namespace std::string_literals;
constexpr After kCloses = After::closes;
constexpr After kServesOn = After::serves_on;
const std::string kLine = "GET /healthz HTTP/1.1\r\n";

std::string with_fields(const std::string& fields) { return kLine + "Host: localhost\r\n" + fields + "\r\n"; }
std::string with_host(const std::string& fields) { return kLine + fields + "\r\n"; }

std::string lines_of(int count, std::size_t value_size) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "X: " + std::string(value_size, 'a') + "\r\n";
  return lines;
}

}  // namespace

std::vector<FramingCase> field_cases() {
  return {
      {"no colon", "5", with_fields("X y\r\n"), {400}, kCloses},
      {"no name", "5", with_fields(": y\r\n"), {400}, kCloses},
      {"no value", "5", with_fields("X:\r\n"), {200}, kServesOn},
      {"no space behind the colon", "5", with_fields("X:y\r\n"), {200}, kServesOn},
      {"tab behind the colon", "5", with_fields("X:\ty \t\r\n"), {200}, kServesOn},
      {"space before the colon", "5.1", with_fields("X : y\r\n"), {400}, kCloses},
      {"tab before the colon", "5.1", with_fields("X\t: y\r\n"), {400}, kCloses},
      {"folded by a space", "5.2", with_fields("X: y\r\n z\r\n"), {400}, kCloses},
      {"folded by a tab", "5.2", with_fields("X: y\r\n\tz\r\n"), {400}, kCloses},
      {"folded length", "5.2", with_fields("Content-Length:\r\n 0\r\n"), {400}, kCloses},
      {"bare LF ends a line", "2.2", with_fields("X: y\nZ: z\r\n"), {400}, kCloses},
      {"bare CR ends a line", "2.2", with_fields("X: y\rZ: z\r\n"), {400}, kCloses},
      {"bare LF ends the head", "2.2", kLine + "Host: a\r\n\n", {400}, kCloses},
      {"LF LF ends the head", "2.2", kLine + "Host: a\n\n", {400}, kCloses},
      {"CR CR LF ends the head", "2.2", kLine + "Host: a\r\n\r\r\n", {400}, kCloses},
      {"separator in a name", "9110 5.1", with_fields("X(y): z\r\n"), {400}, kCloses},
      {"byte over 127 in a name", "9110 5.1", with_fields("X\xff: y\r\n"), {400}, kCloses},
      {"NUL in a name", "9110 5.1", with_fields("X\0: y\r\n"s), {400}, kCloses},
      {"NUL in a value", "9110 5.5", with_fields("X: y\0z\r\n"s), {400}, kCloses},
      {"control byte in a value", "9110 5.5", with_fields("X: y\x01z\r\n"), {400}, kCloses},
      {"DEL in a value", "9110 5.5", with_fields("X: y\x7f\r\n"), {400}, kCloses},
      {"byte over 127 in a value", "9110 5.5", with_fields("X: \xc3\xa9\r\n"), {200}, kServesOn},
      {"no Host", "3.2", with_host("X: y\r\n"), {400}, kCloses},
      {"two Hosts", "3.2", with_host("Host: a\r\nHost: b\r\n"), {400}, kCloses},
      {"the same Host twice", "3.2", with_host("Host: a\r\nHost: a\r\n"), {400}, kCloses},
      {"two names in a Host", "3.2", with_host("Host: a, b\r\n"), {400}, kCloses},
      {"path in a Host", "3.2", with_host("Host: a/b\r\n"), {400}, kCloses},
      {"user in a Host", "3.2", with_host("Host: u@a\r\n"), {400}, kCloses},
      {"empty Host", "3.2", with_host("Host:\r\n"), {200}, kServesOn},
      {"Host with a port", "3.2", with_host("Host: [::1]:8000\r\n"), {200}, kServesOn},
      {"700 lines", "9110 5.4", with_fields(lines_of(700, 1)), {200}, kServesOn},
      {"head of over 16 KiB", "9110 5.4", with_fields(lines_of(20, 995)), {431}, kCloses},
      {"line of over 16 KiB without end",
       "9110 5.4",
       kLine + "X: " + std::string(40000, 'a'),
       {431},
       kCloses},
      {"name of over 16 KiB without end", "9110 5.4", kLine + std::string(40000, 'a'), {431}, kCloses},
      {"expectation unknown", "9110 10.1.1", with_fields("Expect: wonders\r\n"), {417}, kCloses},
  };
}

std::vector<FramingCase> connection_cases() {
  const std::string get = with_fields("");
  const std::string version_1_0 = "GET /healthz HTTP/1.0\r\n";
  return {
      {"three requests", "9.3.2", get + get + get, {200, 200, 200}, kServesOn},
      {"third one malformed", "9.3.2", get + get + "GET /\r\n\r\n" + get, {200, 200, 400}, kCloses},
      {"close", "9.6", with_fields("Connection: close\r\n"), {200}, kCloses},
      {"Close in other letters", "9.6", with_fields("Connection: CLOSE\r\n"), {200}, kCloses},
      {"close in a list", "9.6", with_fields("Connection: x, close ,y\r\n"), {200}, kCloses},
      {"close in a second field",
       "9.6",
       with_fields("Connection: x\r\nConnection: close\r\n"),
       {200},
       kCloses},
      {"close beside keep-alive", "9.3", with_fields("Connection: keep-alive, close\r\n"), {200}, kCloses},
      {"closed by a word like close", "9.3", with_fields("Connection: closed\r\n"), {200}, kServesOn},
      {"length named as hop-by-hop",
       "9110 7.6.1",
       "POST /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Content-Length\r\nContent-Length: "
       "3\r\n\r\nabc",
       {405},
       kServesOn},
      {"1.0", "9.3", version_1_0 + "\r\n", {200}, kCloses},
      {"1.0 that keeps alive", "9.3", version_1_0 + "Connection: keep-alive\r\n\r\n", {200}, kServesOn},
      {"1.0 that keeps alive and closes",
       "9.3",
       version_1_0 + "Connection: keep-alive, close\r\n\r\n",
       {200},
       kCloses},
      {"upgrade", "9110 7.8", with_fields("Connection: upgrade\r\nUpgrade: h2c\r\n"), {200}, kServesOn},
      {"request in a body",
       "6.2",
       "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(get.size()) +
           "\r\n\r\n" + get,
       {404},
       kServesOn},
      {"request in a GET's body",
       "9110 9.3.1",
       with_fields("Content-Length: " + std::to_string(get.size()) + "\r\n") + get,
       {200},
       kServesOn},
      {"request in a refused method's body",
       "6.2",
       "DELETE /stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(get.size()) +
           "\r\n\r\n" + get,
       {405},
       kServesOn},
      {"request in an unknown method's body",
       "6.2",
       "BREW /stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(get.size()) +
           "\r\n\r\n" + get,
       {501},
       kServesOn},
  };
}

}  // namespace comet::test
