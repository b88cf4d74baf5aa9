// Response bytes: the shared ones, and those made for a request that needs another framing.
#include <gtest/gtest.h>

#include <map>

#include "core/response.hpp"

namespace comet::core {
namespace {

bool has_line(std::string_view bytes, const std::string& line) {
  return bytes.substr(0, bytes.find("\r\n\r\n") + 2).find("\r\n" + line + "\r\n") != std::string_view::npos;
}
bool has_line(const Response& response, const std::string& line) { return has_line(*response.bytes, line); }
std::string body_of(const Response& response) {
  return response.bytes->substr(response.bytes->find("\r\n\r\n") + 4);
}

// A body that looks like the end of a head.
const Message kMessage = make_message({1753000000000, 12}, "Connection: x\r\n\r\nworld", 75);

TEST(MessageResponse, SaysWhatTheContractAsks) {
  const std::string& bytes = *kMessage.response;
  EXPECT_TRUE(bytes.starts_with("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_TRUE(has_line(bytes, "Content-Type: text/plain;charset=utf-8"));
  EXPECT_TRUE(has_line(bytes, "Cache-Control: no-store"));
  EXPECT_TRUE(has_line(bytes, "Comet-Cursor: 1753000000000-12"));
  EXPECT_TRUE(has_line(bytes, "Content-Length: 22"));
  EXPECT_TRUE(has_line(bytes, "Connection: keep-alive"));
  EXPECT_TRUE(has_line(bytes, "Keep-Alive: timeout=75"));
  EXPECT_EQ(bytes.substr(kMessage.head_size), "Connection: x\r\n\r\nworld");
  EXPECT_EQ(bytes.substr(kMessage.head_size - 4, 4), "\r\n\r\n");
}

TEST(MessageResponse, PlainSubscribersShareTheBytes) {
  const Response first = message_response(kMessage, {});
  const Response second = message_response(kMessage, {});
  EXPECT_EQ(first.bytes, kMessage.response);
  EXPECT_EQ(second.bytes, kMessage.response);
  EXPECT_FALSE(first.close);
}

TEST(MessageResponse, BodyOfNoBytesAndOfAnyByte) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  for (const std::string& body : {std::string(), every}) {
    const Message message = make_message({1, 0}, body);
    EXPECT_EQ(message.response->substr(message.head_size), body);
    EXPECT_TRUE(has_line(*message.response, "Content-Length: " + std::to_string(body.size())));
  }
}

TEST(MessageResponse, OtherFormsDifferInTheirFramingOnly) {
  const std::string& shared = *kMessage.response;
  const std::string head = shared.substr(0, shared.find("Connection: ")),
                    body = shared.substr(kMessage.head_size);
  const std::string stays = "Connection: keep-alive\r\nKeep-Alive: timeout=75\r\n\r\n";
  const auto bytes = [](ReplyForm form) { return *message_response(kMessage, form).bytes; };
  EXPECT_EQ(bytes({.keep_alive = false}), head + "Connection: close\r\n\r\n" + body);
  EXPECT_EQ(bytes({.missed = true, .idle_seconds = 75}), head + "Comet-Missed: true\r\n" + stays + body);
  EXPECT_EQ(bytes({.head_only = true, .idle_seconds = 75}), head + stays);
  EXPECT_EQ(bytes({.keep_alive = false, .head_only = true, .missed = true}),
            head + "Comet-Missed: true\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(message_response(kMessage, {.keep_alive = false}).close);
  EXPECT_FALSE(message_response(kMessage, {.missed = true}).close);
}

TEST(MessageResponse, IsADeliveryUnlessTheBodyIsLeftOut) {
  EXPECT_TRUE(message_response(kMessage, {}).is_delivery);
  EXPECT_TRUE(message_response(kMessage, {.missed = true}).is_delivery);
  EXPECT_FALSE(message_response(kMessage, {.head_only = true}).is_delivery);
  EXPECT_TRUE(closing(message_response(kMessage, {})).is_delivery);
  EXPECT_FALSE(no_content_response({7, 1}, {}).is_delivery);
  EXPECT_FALSE(closing(error_response(503, "why", {})).is_delivery);
}

TEST(MessageResponse, SharedBytesAreTakenByThePlainFormAlone) {
  EXPECT_TRUE(takes_shared_bytes({}));
  EXPECT_FALSE(takes_shared_bytes({.keep_alive = false}));
  EXPECT_FALSE(takes_shared_bytes({.head_only = true}));
  EXPECT_FALSE(takes_shared_bytes({.missed = true}));
}

// What becomes of each answer if its connection ends after all.
TEST(ClosingResponse, SaysCloseInsteadOfTheIdleTimeAndKeepsTheRest) {
  const Response message = message_response(kMessage, {.missed = true, .idle_seconds = 75});
  const std::string stays = "Connection: keep-alive\r\nKeep-Alive: timeout=75\r\n";
  for (const Response& response : {message, no_content_response({7, 1}, {.idle_seconds = 75}),
                                   published_response({7, 1}, 2, {.idle_seconds = 75}),
                                   error_response(404, "why", {.idle_seconds = 75})}) {
    std::string expected = *response.bytes;
    expected.replace(expected.find(stays), stays.size(), "Connection: close\r\n");
    EXPECT_EQ(*closing(response).bytes, expected);
    EXPECT_TRUE(closing(response).close);
  }
  EXPECT_TRUE(has_line(closing(message), "Comet-Missed: true"));
}

TEST(NoContentResponse, HasTheCursorAndNeitherBodyNorLength) {
  const Response response = no_content_response({7, 1}, {.keep_alive = false, .missed = true});
  EXPECT_TRUE(response.bytes->starts_with("HTTP/1.1 204 No Content\r\n"));
  EXPECT_TRUE(has_line(response, "Comet-Cursor: 7-1"));
  EXPECT_TRUE(has_line(response, "Cache-Control: no-store"));
  EXPECT_TRUE(has_line(response, "Comet-Missed: true"));
  EXPECT_TRUE(has_line(response, "Connection: close"));
  EXPECT_EQ(response.bytes->find("Content-Length"), std::string::npos) << "RFC 9110 section 8.6";
  EXPECT_EQ(body_of(response), "");
  EXPECT_TRUE(response.close);
}

TEST(PublishedResponse, SaysCursorAndReceivers) {
  const Response response = published_response({7, 1}, 20000, {});
  EXPECT_TRUE(response.bytes->starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(has_line(response, "Content-Type: text/plain"));
  EXPECT_TRUE(has_line(response, "Comet-Cursor: 7-1"));
  EXPECT_TRUE(has_line(response, "Comet-Receivers: 20000"));
  EXPECT_EQ(body_of(response), "ok");
}

TEST(ErrorResponse, HasItsReasonAndOneLineOfText) {
  for (const int status : {400, 404, 405, 408, 413, 414, 415, 417, 431, 501, 503, 505}) {
    const Response response = error_response(status, "why", {});
    EXPECT_TRUE(response.bytes->starts_with("HTTP/1.1 " + std::to_string(status) + ' '));
    EXPECT_EQ(response.bytes->find("Internal Server Error"), std::string::npos)
        << status << " has no reason phrase";
    EXPECT_TRUE(has_line(response, "Content-Type: text/plain;charset=utf-8"));
    EXPECT_TRUE(has_line(response, "Content-Length: 4"));
    EXPECT_EQ(body_of(response), "why\n");
    EXPECT_FALSE(response.close);
  }
}

TEST(ErrorResponse, HeadKeepsTheLengthAndLosesTheBody) {
  const Response response = error_response(404, "why", {.head_only = true});
  EXPECT_TRUE(has_line(response, "Content-Length: 4"));
  EXPECT_EQ(body_of(response), "");
}

TEST(UnavailableResponse, SaysWhenToComeBack) {
  const Response response = unavailable_response("full", {.keep_alive = false}, 0, 0);
  EXPECT_TRUE(response.bytes->starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_TRUE(has_line(response, "Retry-After: 1"));
  EXPECT_TRUE(has_line(response, "Connection: close"));
  EXPECT_TRUE(response.close);
}

// What the Retry-After of the refused adds up to: seconds and how many are told so.
std::map<std::string, int> returns(std::uint64_t refused, std::uint64_t held) {
  std::map<std::string, int> told;
  for (std::uint64_t i = 0; i < refused; ++i) {
    const std::string bytes = *unavailable_response("full", {}, i, held).bytes;
    const auto value = bytes.find("Retry-After: ") + 13;
    ++told[bytes.substr(value, bytes.find("\r\n", value) - value)];
  }
  return told;
}

TEST(UnavailableResponse, SpreadsTheReturnOverAWindowThatGrowsWithTheHeld) {
  EXPECT_EQ(returns(4, 0), (std::map<std::string, int>{{"1", 4}}));
  EXPECT_EQ(returns(4, 2), (std::map<std::string, int>{{"1", 2}, {"2", 2}}));
  EXPECT_EQ(returns(10, 999), (std::map<std::string, int>{{"1", 2}, {"2", 2}, {"3", 2}, {"4", 2}, {"5", 2}}));
  EXPECT_EQ(returns(2000, 15'000).size(), 20U);
  EXPECT_EQ(returns(2000, 15'000)["20"], 100);
  EXPECT_EQ(returns(2000, 100'000'000).size(), 60U);
}

TEST(ContinueResponse, IsInterim) {
  EXPECT_EQ(*continue_response().bytes, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_FALSE(continue_response().close);
}

}  // namespace
}  // namespace comet::core
