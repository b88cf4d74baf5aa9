// A publish that says that its bytes are something else than UTF-8 text: subscribers would take them for it.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class Encoding : public ServerTest {
 protected:
  Response publish_with(const std::string& fields) {
    return exchange(request("POST", "/publish", fields, "message=gr\xc3\xbc\xc3\x9f"));
  }
  static std::string type(const std::string& value) { return "Content-Type: " + value + "\r\n"; }
};

CONTRACT_TEST(Encoding, ContentCodingsAre415, "refusals, publish, publish-form, counters",
              "a `Content-Encoding` other than `identity`") {
  start();
  for (const char* coding : {"gzip", "deflate", "br", "GZIP", "identity, gzip"}) {
    SCOPED_TRACE(coding);
    for (const char* content_type : {"", "text/plain", "application/x-www-form-urlencoded"}) {
      const Response response = publish_with((*content_type ? type(content_type) : "") +
                                             "Content-Encoding: " + std::string(coding) + "\r\n");
      expect_error(response, 415);
      EXPECT_EQ(response.header("Accept-Encoding"), "identity");
    }
  }
  EXPECT_EQ(stat("published"), 0);
}

CONTRACT_TEST(Encoding, OtherCharsetsAre415, "refusals, publish, publish-form, counters",
              "a `charset` other than `utf-8` or `us-ascii`, on text and forms alike") {
  start();
  for (const char* content_type : {"text/plain", "application/x-www-form-urlencoded"}) {
    for (const char* charset : {"iso-8859-1", "\"iso-8859-1\"", "UTF-16", "windows-1252", "utf-7"}) {
      SCOPED_TRACE(content_type + std::string(" ") + charset);
      expect_error(publish_with(type(content_type + std::string(";charset=") + charset)), 415);
      expect_error(publish_with(type(content_type + std::string("; format=flowed; Charset=") + charset)),
                   415);
    }
  }
  EXPECT_EQ(stat("published"), 0);
}

CONTRACT_TEST(Encoding, OnesThatChangeNothingAreTaken, "refusals, publish, publish-form, counters",
              "a `charset` other than `utf-8` or `us-ascii`, on text and forms alike") {
  start();
  for (const char* content_type : {"text/plain", "application/x-www-form-urlencoded"}) {
    for (const char* charset : {"utf-8", "UTF-8", "\"utf-8\"", "us-ascii", "US-ASCII"}) {
      SCOPED_TRACE(content_type + std::string(" ") + charset);
      EXPECT_EQ(publish_with(type(content_type + std::string("; charset=") + charset) +
                             "Content-Encoding: identity\r\n")
                    .status,
                200);
    }
  }
}

}  // namespace
}  // namespace comet::test
