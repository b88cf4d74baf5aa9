// What the tests of the request reader share: a service, a reader, requests, and answers in a
// form to compare.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/request_reader.hpp"

namespace comet::core {

// Takes any Host, as a server does that other machines reach: the requests of most tests are to "a".
inline Service test_service(Options options = {}) {
  options.on_loopback = false;
  return {options, [] {
            Stats stats;
            stats.pattern = "test";
            return stats;
          }};
}

// The status of an encoded response.
inline int status_of(const Response& response) { return std::stoi(response.bytes->substr(9, 3)); }

inline std::string body_of(const Response& response) {
  return response.bytes->substr(response.bytes->find("\r\n\r\n") + 4);
}

// A decision in one line, without what depends on the clock.
inline std::string described(const Decision& decision) {
  if (std::holds_alternative<NeedsInput>(decision)) return "needs input";
  if (const auto* request = std::get_if<Subscribe>(&decision)) {
    return "subscribe " + request->channel + " since " +
           (request->since ? to_string(*request->since) : "now") + " for " +
           std::to_string(request->hold.count()) + " ms";
  }
  if (const auto* request = std::get_if<Publish>(&decision))
    return "publish " + request->channel + " " + request->body;
  const Response& response = std::get<Reply>(decision).response;
  return "reply " + std::to_string(status_of(response)) + (response.close ? " close" : "");
}

// All decisions that `bytes` lead to, without the NeedsInput at their end.
inline std::vector<std::string> decisions_of(RequestReader& reader, std::string_view bytes) {
  std::vector<std::string> all;
  for (Decision decision = reader.feed(bytes); !std::holds_alternative<NeedsInput>(decision);
       decision = reader.next()) {
    all.push_back(described(decision));
  }
  return all;
}

inline std::vector<std::string> decisions_of(std::string_view bytes, const Options& options = {}) {
  const Service service = test_service(options);
  RequestReader reader(service);
  return decisions_of(reader, bytes);
}

// The first decision of a fresh reader.
inline Decision decide(std::string_view bytes, const Options& options = {}) {
  const Service service = test_service(options);
  return RequestReader(service).feed(bytes);
}

inline std::string get(std::string_view target, std::string_view method = "GET") {
  return std::string(method) + ' ' + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

inline std::string post(std::string_view target, std::string_view headers, std::string_view body) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace comet::core
