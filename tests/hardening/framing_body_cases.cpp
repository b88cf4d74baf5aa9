// Where a body ends: by its length, or by its chunks.
#include "tests/hardening/framing_cases.hpp"

namespace comet::test {
namespace {

using namespace std::string_literals;
constexpr After kCloses = After::closes;
constexpr After kServesOn = After::serves_on;
const std::string kPost = "POST /publish?channel=framing HTTP/1.1\r\nHost: localhost\r\n";

std::string with_length(const std::string& value, const std::string& body = "abc") {
  return kPost + "Content-Length: " + value + "\r\n\r\n" + body;
}
std::string with_fields(const std::string& fields, const std::string& body) {
  return kPost + fields + "\r\n" + body;
}
std::string with_coding(const std::string& value) {
  return with_fields("Transfer-Encoding: " + value + "\r\n", "3\r\nabc\r\n0\r\n\r\n");
}
std::string with_chunks(const std::string& chunks) {
  return with_fields("Transfer-Encoding: chunked\r\n", chunks);
}
std::string with_trailer(const std::string& lines) {
  return with_chunks("3\r\nabc\r\n0\r\n" + lines + "\r\n");
}

}  // namespace

std::vector<FramingCase> length_cases() {
  const std::string chunks = "3\r\nabc\r\n0\r\n\r\n";
  return {
      {"length", "6.2", with_length("3"), {200}, kServesOn},
      {"zero", "6.2", with_length("0", ""), {200}, kServesOn},
      {"neither length nor coding: no message", "6.3", with_fields("", ""), {400}, kServesOn},
      {"leading zeros", "9110 8.6", with_length("0003"), {200}, kServesOn},
      {"spaces around it", "5.1", with_length("  3\t "), {200}, kServesOn},
      {"shorter than what follows", "6.3", with_length("3", "abcGET /\r\n\r\n"), {200, 400}, kCloses},
      {"empty", "6.3", with_length(""), {400}, kCloses},
      {"negative", "6.3", with_length("-1"), {400}, kCloses},
      {"plus sign", "6.3", with_length("+3"), {400}, kCloses},
      {"hexadecimal", "6.3", with_length("0x3"), {400}, kCloses},
      {"fraction", "6.3", with_length("3.0"), {400}, kCloses},
      {"exponent", "6.3", with_length("3e0"), {400}, kCloses},
      {"two words", "6.3", with_length("1 2"), {400}, kCloses},
      {"letter behind it", "6.3", with_length("3a"), {400}, kCloses},
      {"semicolon behind it", "6.3", with_length("3;a"), {400}, kCloses},
      {"vertical tab before it", "6.3", with_length("\v3"), {400}, kCloses},
      {"quoted", "6.3", with_length("\"3\""), {400}, kCloses},
      {"digits of another script", "6.3", with_length("\xd9\xa3"), {400}, kCloses},
      {"2 to the power of 64", "9110 8.6", with_length("18446744073709551616"), {400}, kCloses},
      {"2 to the power of 64 and 3", "9110 8.6", with_length("18446744073709551619"), {400}, kCloses},
      {"27 digits", "9110 8.6", with_length("999999999999999999999999999"), {400}, kCloses},
      {"2 to the power of 63, less 1", "9110 8.6", with_length("9223372036854775807"), {413}, kCloses},
      {"one more than the largest message", "9110 15.5.14", with_length("65537", "abc"), {413}, kCloses},
      {"two that agree",
       "6.3",
       with_fields("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
       {200},
       kServesOn},
      {"list that agrees", "6.3", with_length("3, 3"), {200}, kServesOn},
      {"two that differ",
       "6.3",
       with_fields("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
       {400},
       kCloses},
      {"two that differ, zero first",
       "6.3",
       with_fields("Content-Length: 0\r\nContent-Length: 3\r\n", "abc"),
       {400},
       kCloses},
      {"list that differs", "6.3", with_length("3, 4", "abcd"), {400}, kCloses},
      {"list that ends empty", "6.3", with_length("3,"), {400}, kCloses},
      {"length before a coding",
       "6.3",
       with_fields("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", chunks),
       {400},
       kCloses},
      {"length behind a coding",
       "6.3",
       with_fields("Transfer-Encoding: chunked\r\nContent-Length: 13\r\n", chunks),
       {400},
       kCloses},
      {"length zero and a coding",
       "6.3",
       with_fields("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", chunks),
       {400},
       kCloses},
      {"length with an underscore: no message",
       "5.1",
       with_fields("Content_Length: 3\r\n", ""),
       {400},
       kServesOn},
      {"space before the colon", "5.1", with_fields("Content-Length : 3\r\n", "abc"), {400}, kCloses},
  };
}

std::vector<FramingCase> transfer_coding_cases() {
  const std::string chunks = "3\r\nabc\r\n0\r\n\r\n";
  return {
      {"chunked", "6.1", with_coding("chunked"), {200}, kServesOn},
      {"in other letters", "7", with_coding("cHuNkEd"), {200}, kServesOn},
      {"tab before it", "5.1", with_coding("\tchunked"), {200}, kServesOn},
      {"chunked twice in a list", "6.1", with_coding("chunked, chunked"), {501}, kCloses},
      {"chunked twice in two fields",
       "6.1",
       with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks),
       {400},
       kCloses},
      {"chunked and identity in two fields",
       "6.1",
       with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunks),
       {400},
       kCloses},
      {"xchunked", "6.1", with_coding("xchunked"), {501}, kCloses},
      {"chunkedx", "6.1", with_coding("chunkedx"), {501}, kCloses},
      {"identity", "6.1", with_coding("identity"), {501}, kCloses},
      {"gzip", "6.1", with_coding("gzip"), {501}, kCloses},
      {"gzip, chunked", "6.1", with_coding("gzip, chunked"), {501}, kCloses},
      {"chunked, gzip", "6.3", with_coding("chunked, gzip"), {501}, kCloses},
      {"parameter", "7", with_coding("chunked;a=b"), {501}, kCloses},
      {"quoted", "6.1", with_coding("\"chunked\""), {501}, kCloses},
      {"comma before it", "6.1", with_coding(",chunked"), {501}, kCloses},
      {"empty", "6.1", with_coding(""), {501}, kCloses},
      {"vertical tab before it", "9110 5.5", with_coding("\vchunked"), {400}, kCloses},
      {"NUL behind it", "9110 5.5", with_coding("chunked\0"s), {400}, kCloses},
      {"space before the colon",
       "5.1",
       with_fields("Transfer-Encoding : chunked\r\n", chunks),
       {400},
       kCloses},
      {"folded", "5.2", with_fields("Transfer-Encoding:\r\n chunked\r\n", chunks), {400}, kCloses},
      {"behind a bare CR",
       "2.2",
       with_fields("X: y\rTransfer-Encoding: chunked\r\n", chunks),
       {400},
       kCloses},
      {"in HTTP/1.0",
       "6.1",
       "POST /publish?channel=framing HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
       {400},
       kCloses},
      {"TE is another field: no message",
       "7.4",
       with_fields("TE: chunked\r\nConnection: TE\r\n", ""),
       {400},
       kServesOn},
      {"underscore is another field: no message",
       "5.1",
       with_fields("Transfer_Encoding: chunked\r\n", ""),
       {400},
       kServesOn},
  };
}

std::vector<FramingCase> chunk_cases() {
  const std::string end = "\r\nabc\r\n0\r\n\r\n";
  return {
      {"two chunks", "7.1", with_chunks("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"), {200}, kServesOn},
      {"no chunks", "7.1", with_chunks("0\r\n\r\n"), {200}, kServesOn},
      {"upper and lower digits",
       "7.1",
       with_chunks("A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n"),
       {200},
       kServesOn},
      {"leading zeros", "7.1", with_chunks("0003" + end), {200}, kServesOn},
      {"last chunk of many zeros", "7.1", with_chunks("3\r\nabc\r\n000\r\n\r\n"), {200}, kServesOn},
      {"extension", "7.1.1", with_chunks("3;a=b;c" + end), {200}, kServesOn},
      {"quoted extension", "7.1.1", with_chunks("3;a=\"b;\\\"c\"" + end), {200}, kServesOn},
      {"line end in a quoted extension", "7.1.1", with_chunks("3;a=\"\r\nb\"" + end), {400}, kCloses},
      {"bare LF in an extension", "7.1.1", with_chunks("3;a\nb" + end), {400}, kCloses},
      {"bare CR in an extension", "7.1.1", with_chunks("3;a\rb" + end), {400}, kCloses},
      {"NUL in an extension", "7.1.1", with_chunks("3;a=\"\0\""s + end), {400}, kCloses},
      {"extension of over 16 KiB", "7.1.1", with_chunks("3;a=" + std::string(40000, 'a')), {400}, kCloses},
      {"empty size", "7.1", with_chunks(end), {400}, kCloses},
      {"extension without a size", "7.1", with_chunks(";a=b" + end), {400}, kCloses},
      {"size not hexadecimal", "7.1", with_chunks("g" + end), {400}, kCloses},
      {"negative size", "7.1", with_chunks("-3" + end), {400}, kCloses},
      {"plus sign", "7.1", with_chunks("+3" + end), {400}, kCloses},
      {"0x", "7.1", with_chunks("0x3" + end), {400}, kCloses},
      {"space before the size", "7.1", with_chunks(" 3" + end), {400}, kCloses},
      {"space behind the size", "7.1", with_chunks("3 " + end), {400}, kCloses},
      {"letter behind the size", "7.1", with_chunks("3 x" + end), {400}, kCloses},
      {"comma behind the size", "7.1", with_chunks("3,a" + end), {400}, kCloses},
      {"size of 2 to the power of 64", "7.1", with_chunks("10000000000000000" + end), {400}, kCloses},
      {"size of 2 to the power of 64 and 3", "7.1", with_chunks("10000000000000003" + end), {400}, kCloses},
      {"size of 2 to the power of 64, less 1", "7.1", with_chunks("ffffffffffffffff" + end), {413}, kCloses},
      {"size of 2 to the power of 63", "7.1", with_chunks("8000000000000000" + end), {413}, kCloses},
      {"more than the largest message", "9110 15.5.14", with_chunks("10001" + end), {413}, kCloses},
      {"bare LF behind the size", "2.2", with_chunks("3\nabc\r\n0\r\n\r\n"), {400}, kCloses},
      {"bare CR behind the size", "2.2", with_chunks("3\rabc\r\n0\r\n\r\n"), {400}, kCloses},
      {"bare LF behind the data", "2.2", with_chunks("3\r\nabc\n0\r\n\r\n"), {400}, kCloses},
      {"bare LF behind the last chunk", "2.2", with_chunks("3\r\nabc\r\n0\n\r\n"), {400}, kCloses},
      {"bare LF at the end", "2.2", with_chunks("3\r\nabc\r\n0\r\n\n"), {400}, kCloses},
      {"no line end behind the data", "7.1", with_chunks("3\r\nabc0\r\n\r\n"), {400}, kCloses},
      {"data longer than its size", "7.1", with_chunks("3\r\nabcd\r\n0\r\n\r\n"), {400}, kCloses},
      {"data shorter than its size", "7.1", with_chunks("4\r\nabc\r\n0\r\n\r\n"), {400}, kCloses},
      {"trailer", "7.1.2", with_trailer("X: y\r\n"), {200}, kServesOn},
      {"length in a trailer", "9110 6.5.1", with_trailer("Content-Length: 30\r\n"), {400}, kCloses},
      {"coding in a trailer", "9110 6.5.1", with_trailer("Transfer-Encoding: chunked\r\n"), {400}, kCloses},
      {"close in a trailer", "9110 6.5.1", with_trailer("Connection: close\r\n"), {200}, kServesOn},
      {"Host in a trailer", "9110 6.5.1", with_trailer("Host: b\r\n"), {200}, kServesOn},
      {"trailer without a colon", "7.1.2", with_trailer("X y\r\n"), {400}, kCloses},
      {"folded trailer, a space in its place", "5.2", with_trailer("X: y\r\n z\r\n"), {200}, kServesOn},
      {"bare LF ends a trailer", "2.2", with_trailer("X: y\nZ: z\r\n"), {400}, kCloses},
      {"bare CR in a trailer", "2.2", with_trailer("X: y\rZ: z\r\n"), {400}, kCloses},
      {"space before a trailer's colon", "5.1", with_trailer("X : y\r\n"), {400}, kCloses},
      {"NUL in a trailer", "9110 5.5", with_trailer("X: \0\r\n"s), {400}, kCloses},
      {"trailer of over 16 KiB", "7.1.2", with_chunks("0\r\nX: " + std::string(40000, 'a')), {400}, kCloses},
      {"expectation and a whole body",
       "9110 10.1.1",
       with_fields("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
       {200},
       kServesOn},
  };
}

}  // namespace comet::test
