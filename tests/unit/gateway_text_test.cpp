// Messages as the gateway's clients are sent them: always UTF-8, and never more than one event or one JSON value.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nodes/gateway/text.hpp"

namespace comet::gateway {
namespace {

using Name = std::optional<std::string>;

TEST(GatewayText, KeepsWhatIsUtf8AndReplacesEachPieceThatIsNot) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", ""},
      {"a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
      {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},                                  // the last code point
      {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},  // beyond it
      {"\xFF", "\xEF\xBF\xBD"},
      {"\x80", "\xEF\xBF\xBD"},                  // goes on with nothing
      {"\xE2\x82", "\xEF\xBF\xBD"},              // is cut
      {"\xE2\x82x", "\xEF\xBF\xBDx"},            // is cut by another
      {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},  // longer than need be
      {"\xE0\x80\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},  // half of a pair in UTF-16
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(to_utf8(bytes), text) << bytes;
}

TEST(GatewayText, AnEventHasALineOfDataForEachOfItsText) {
  EXPECT_EQ(event_text("", "", ""), "data: \n\n");
  EXPECT_EQ(event_text("missed", "", "x"), "event: missed\ndata: x\n\n");
  EXPECT_EQ(event_text("", "1-0", "a\nb\r\nc\rd"), "id: 1-0\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(event_text("", "", "a\n"), "data: a\ndata: \n\n");
  EXPECT_EQ(event_text("", "", "\n\n"), "data: \ndata: \ndata: \n\n");
}

TEST(GatewayText, AChannelOfBayeuxIsOneOfTheStreamWithDots) {
  const std::vector<std::pair<std::string, Name>> names{{"/a", "a"},
                                                        {"/a/b-_9", "a.b-_9"},
                                                        {"/a/*", std::nullopt},
                                                        {"", std::nullopt},
                                                        {"/", std::nullopt},
                                                        {"a", std::nullopt},
                                                        {"/a/", std::nullopt},
                                                        {"//a", std::nullopt},
                                                        {"/a.b", std::nullopt},
                                                        {"/a//b", std::nullopt},
                                                        {"/a b", std::nullopt}};
  for (const auto& [name, channel] : names) EXPECT_EQ(stream_channel(name), channel) << name;
  EXPECT_EQ(stream_channel("/" + std::string(64, 'x')), Name(std::string(64, 'x')));
  EXPECT_EQ(stream_channel("/" + std::string(65, 'x')), std::nullopt);
}

TEST(GatewayText, APatternMayEndInStars) {
  const std::vector<std::pair<std::string, Name>> names{
      {"/*", "*"},          {"/**", "**"},          {"/a/*", "a.*"},        {"/a/b/**", "a.b.**"},
      {"/a", "a"},          {"/***", std::nullopt}, {"/*/a", std::nullopt}, {"/a/*/*", std::nullopt},
      {"/a*", std::nullopt}};
  for (const auto& [name, pattern] : names) EXPECT_EQ(stream_channel(name, true), pattern) << name;
}

TEST(GatewayText, AChannelWithAnEmptyPartHasNoNameInBayeux) {
  EXPECT_EQ(bayeux_channel("a.b"), Name("/a/b"));
  for (const char* channel : {"a..b", ".a", "a."})
    EXPECT_EQ(bayeux_channel(channel), std::nullopt) << channel;
}

TEST(GatewayText, AMessageIsWrittenOnceForAllClientsOfAKind) {
  const ChannelMessage message("a.b", {5, 1}, R"({"x":1})");
  EXPECT_EQ(message.as_event().get(), message.as_event().get());
  EXPECT_EQ(*message.as_event(), "id: 5-1\ndata: {\"x\":1}\n\n");
  EXPECT_EQ(*message.as_action(),
            R"({"action":"message","data":{"channel":"a.b","cursor":"5-1","text":"{\"x\":1}"}})");
  EXPECT_EQ(*message.as_direct(), R"({"x":1,"cursor":"5-1"})");
  EXPECT_EQ(*message.as_bayeux(), R"({"channel":"/a/b","data":{"x":1},"ext":{"cursor":"5-1"}})");
}

TEST(GatewayText, WhatIsNoJsonIsTextInBayeuxAndNoMessageForAUser) {
  const ChannelMessage text("a", {5, 0}, "\xFFhello");
  EXPECT_EQ(*text.as_bayeux(),
            "{\"channel\":\"/a\",\"data\":\"\xEF\xBF\xBDhello\",\"ext\":{\"cursor\":\"5-0\"}}");
  EXPECT_EQ(text.as_direct(), nullptr);
  EXPECT_EQ(ChannelMessage("a", {5, 0}, "[1]").as_direct(), nullptr);
  EXPECT_EQ(ChannelMessage("a..b", {5, 0}, "1").as_bayeux(), nullptr);
}

}  // namespace
}  // namespace comet::gateway
