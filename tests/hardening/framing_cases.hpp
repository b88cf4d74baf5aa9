// Requests on the edge of HTTP/1.1's framing, each with the section of the RFC that decides it and what is
// due. A server that takes one of them for another request than its neighbour does lets requests be smuggled.
#pragma once

#include <string>
#include <vector>

namespace comet::test {

enum class After {
  closes,    // nothing behind the last answer is taken for a request
  serves_on  // a request that follows is answered
};

struct FramingCase {
  std::string name;
  std::string section;  // of RFC 9112 unless it names another
  std::string bytes;
  std::vector<int> statuses;  // of the answers, in order
  After after;
};

std::vector<FramingCase> request_line_cases();
std::vector<FramingCase> target_cases();
std::vector<FramingCase> field_cases();
std::vector<FramingCase> length_cases();
std::vector<FramingCase> transfer_coding_cases();
std::vector<FramingCase> chunk_cases();
std::vector<FramingCase> connection_cases();

}  // namespace comet::test
