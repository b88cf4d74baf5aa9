// core: bytes to a decision, and a message to the bytes of its response.
#include <benchmark/benchmark.h>

#include "core/request_reader.hpp"
#include "microbench/samples.hpp"

namespace comet::microbench {
using namespace core;
namespace {

// What a browser sends with a poll, shortened to the fields that matter, and a publish by curl.
constexpr std::string_view kBrowserPoll =
    "GET /subscribe?channel=all&since=1732380000000-7 HTTP/1.1\r\n"
    "Host: 127.0.0.1:8000\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n"
    "Accept-Language: en\r\nConnection: keep-alive\r\n\r\n";
constexpr std::string_view kPublish =
    "POST /publish?channel=all HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\n"
    "Content-Type: text/plain\r\nContent-Length: 64\r\n\r\n"
    "a message of a usual length, which is to say 64 bytes of payload";

template <class Expected>
void parse(benchmark::State& state, std::string_view bytes) {
  const Service service;
  RequestReader reader(service);
  for ([[maybe_unused]] auto once : state) {
    const Decision decision = reader.feed(bytes);
    if (!std::holds_alternative<Expected>(decision)) {
      state.SkipWithError("the request was not taken for what it is");
      break;
    }
    benchmark::DoNotOptimize(&decision);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
void parse_poll(benchmark::State& state) { parse<Subscribe>(state, kPoll); }
BENCHMARK(parse_poll)->Name("parse/poll");
void parse_browser_poll(benchmark::State& state) { parse<Subscribe>(state, kBrowserPoll); }
BENCHMARK(parse_browser_poll)->Name("parse/browser_poll");
void parse_publish(benchmark::State& state) { parse<Publish>(state, kPublish); }
BENCHMARK(parse_publish)->Name("parse/publish");

// Once for each message.
void encode(benchmark::State& state) {
  for ([[maybe_unused]] auto once : state) benchmark::DoNotOptimize(make_message({1, 0}, kMessage));
}
BENCHMARK(encode)->Name("encode/message");

// Once for each receiver: its share of the same bytes, or bytes of its own where its request needs that.
void respond(benchmark::State& state, ReplyForm form) {
  const Message message = make_message({1, 0}, kMessage);
  for ([[maybe_unused]] auto once : state) benchmark::DoNotOptimize(message_response(message, form));
}
BENCHMARK_CAPTURE(respond, shared, ReplyForm{})->Name("encode/response/shared");
BENCHMARK_CAPTURE(respond, own, ReplyForm{.keep_alive = false})->Name("encode/response/own_framing");

}  // namespace
}  // namespace comet::microbench
