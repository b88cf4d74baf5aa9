// What a failing test of the conformance suite prints: in order, printable, bounded.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/conformance/transcript.hpp"

namespace comet::test {
namespace {

// Without the seconds, which differ from run to run.
std::string without_times(const std::string& text) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin) + 1;
    const std::string line = text.substr(begin, end - begin);
    result += line.find('.') < 8 ? line.substr(9) : line;
    begin = end;
  }
  return result;
}

TEST(Transcript, HasEachConnectionsBytesInOrder) {
  Transcript transcript;
  const int first = transcript.add_connection();
  const int second = transcript.add_connection();
  transcript.sent(first, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  transcript.happened("the server sneezes");
  transcript.sent(second, "GET ");
  transcript.received(first, "HTTP/1.1 200 OK\r\n\r\nok");
  EXPECT_EQ(without_times(transcript.text()),
            "  1 > GET / HTTP/1.1\n"
            "               Host: a\n"
            "\n"
            "      the server sneezes\n"
            "  2 > GET \n"
            "  1 < HTTP/1.1 200 OK\n"
            "\n"
            "               ok\n");
}

TEST(Transcript, ShowsBytesThatCannotBePrinted) {
  Transcript transcript;
  transcript.sent(1, std::string("a\rb\nc\0\xffz\t", 9));
  EXPECT_EQ(without_times(transcript.text()), "  1 > a\\rb\\n\n               c\\x00\\xffz\\x09\n");
}

TEST(Transcript, JoinsThePiecesOfWhatComesAtOnce) {
  Transcript transcript;
  for (const char* piece : {"G", "E", "T"}) transcript.sent(1, piece);
  EXPECT_EQ(without_times(transcript.text()), "  1 > GET\n");
}

TEST(Transcript, AbbreviatesManyBytes) {
  Transcript transcript;
  for (int i = 0; i < 100; ++i) transcript.received(1, std::string(1000, 'x'));
  const std::string text = transcript.text();
  EXPECT_LT(text.size(), 1000U);
  EXPECT_NE(text.find("xxx... (100000 bytes in all)"), std::string::npos) << text;
}

TEST(Transcript, KeepsTheFirstAndTheLastOfManyEvents) {
  Transcript transcript;
  for (int i = 1; i <= 1000; ++i) transcript.happened("event " + std::to_string(i));
  const std::string text = transcript.text();
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 50);
  EXPECT_NE(text.find("event 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("more ...\n"), std::string::npos) << text;
  EXPECT_NE(text.find("event 1000\n"), std::string::npos) << text;
}

TEST(Transcript, SaysOnceWhatHappensAgainAtOnce) {
  Transcript transcript;
  for (int i = 0; i < 9; ++i) transcript.happened("/stats says held 0");
  EXPECT_EQ(without_times(transcript.text()), "      /stats says held 0\n");
}

TEST(Transcript, OfANewTestIsEmpty) {
  Transcript transcript;
  transcript.sent(transcript.add_connection(), "x");
  transcript.begin();
  EXPECT_EQ(transcript.text(), "");
  EXPECT_EQ(transcript.add_connection(), 1);
}

}  // namespace
}  // namespace comet::test
