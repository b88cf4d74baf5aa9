// The faults that are in the bytes: what it does not see of a request, and what it leaves out of an answer.
#include <string>

#include "tests/wrong_servers/server.hpp"

namespace comet::wrong_server {
namespace {

void replace_first(std::string& text, const std::string& from, const std::string& to) {
  if (const auto at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
}

}  // namespace

std::string WrongServer::spoilt_request(std::string bytes) const {
  if (has("takes_cross_site")) replace_first(bytes, "cross-site", "none");
  if (has("takes_any_origin")) replace_first(bytes, "Origin: ", "X-Was: ");
  if (has("takes_encoded_bodies")) replace_first(bytes, "Content-Encoding: ", "X-Was: ");
  if (has("takes_any_charset")) replace_first(bytes, "charset=", "was=");
  if (has("takes_publishes_without_a_cursor") && bytes.find("Comet-Cursor: ") == std::string::npos) {
    replace_first(bytes, "\r\n", "\r\nComet-Cursor: 9999999999999-0\r\n");
  }
  if (has("measures_before_it_asks") && bytes.find("Content-Length: 99999") != std::string::npos) {
    replace_first(bytes, "/publish", "/healthz");
  }
  return bytes;
}

std::string WrongServer::spoilt(const Client& client, std::string bytes) const {
  if (has("announces_no_idle_time")) replace_first(bytes, "Keep-Alive: ", "X-Was: ");
  if (has("cacheable")) replace_first(bytes, "Cache-Control: no-store\r\n", "");
  if (has("no_challenge")) replace_first(bytes, "WWW-Authenticate", "X-Authenticate");
  if (has("calls_a_herd") && draining_) replace_first(bytes, "Retry-After: ", "Retry-After: 1\r\nX-Was: ");
  if (has("no_retry_after")) replace_first(bytes, "Retry-After: 1\r\n", "");
  if (has("wrong_length") && client.delivering) replace_first(bytes, "Content-Length: ", "Content-Length: 1");
  return bytes;
}

}  // namespace comet::wrong_server
