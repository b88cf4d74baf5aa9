// The minimal server with continuations, in one file. The full server starts in server.cpp.
// Model: a pool of threads. A request that has to wait is suspended: it is put away, and its thread is free.
//   To resume it, some thread handles it again from the top, and this time finds what it waited for.
// Owner of a connection: the handler that runs for it; while its request is suspended, the list of the held.
// Runs on: any thread of the pool.
// Wakes a held request: publish(), which resumes each in turn.
//
// A poll gets only what is published while it is held. Left out, and where the full server has it: messages
// between two polls, cursors (server.cpp, core/channels.hpp); other ways to resume (resume_styles.cpp);
// publishes that block (publish.cpp); the drain (drain.cpp); silent clients (deadline_timer.cpp); leaving
// ones (server.cpp); limits, what to do if descriptors or memory run out (hardening/); less memory for a held
// request (footprint/).
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "core/request_reader.hpp"
#include "patterns/common/minimal_start.hpp"
#include "patterns/common/startup.hpp"

namespace comet::minimal {
using namespace common;
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Connection;
using ConnectionPointer = std::shared_ptr<Connection>;
using Held = std::multimap<std::string, ConnectionPointer>;  // by channel

struct Connection {
  Connection(tcp::socket accepted, const Service& service)
      : socket(std::move(accepted)), reader(service), timer(socket.get_executor()) {}

  tcp::socket socket;
  RequestReader reader;
  std::array<char, 4096> input;
  Decision decision;  // the request that is handled

  // The continuation.
  bool is_initial = true;          // false: the request is handled again
  std::optional<Message> message;  // that ended the hold; none: its time was over
  Cursor last;
  bool is_held = false;
  Held::iterator place;
  asio::steady_timer timer;
};

class Server {
 public:
  explicit Server(const Options& options) : service_{options, [this] { return stats(); }}, listener_(pool_) {
    const bool is_v6 = asio::ip::make_address(options.address).is_v6();
    listener_.assign(is_v6 ? tcp::v6() : tcp::v4(), open_minimal_listener(options));
  }

  void run() {
    announce_ready(listener_.native_handle(), service_.options);
    accept_connection();
    pool_.join();
  }

 private:
  // Step 1: accept.
  void accept_connection() {
    listener_.async_accept([this](error_code error, tcp::socket socket) {
      if (error) {
        std::this_thread::sleep_for(kAcceptPause);  // no descriptor is free, for instance
      } else {
        read_request(std::make_shared<Connection>(std::move(socket), service_));
      }
      accept_connection();
    });
  }

  // Step 2: read. `bytes` have just come; without them, the request may have come together with the last one.
  void read_request(const ConnectionPointer& connection, std::string_view bytes = {}) {
    connection->decision = connection->reader.feed(bytes);
    if (!std::holds_alternative<NeedsInput>(connection->decision)) return handle(connection);
    const auto on_input = [this, connection](error_code error, std::size_t size) {
      if (error) return close(connection);  // the client has closed, or is gone
      read_request(connection, {connection->input.data(), size});
    };
    connection->socket.async_read_some(asio::buffer(connection->input), on_input);
  }

  // Step 3: decide. A request that was suspended comes here again.
  void handle(const ConnectionPointer& connection) {
    const Decision& decision = connection->decision;
    if (const auto* request = std::get_if<Subscribe>(&decision)) return subscribe(connection, *request);
    if (const auto* request = std::get_if<Publish>(&decision)) return publish(connection, *request);
    if (const auto* reply = std::get_if<Reply>(&decision)) return respond(connection, reply->response);
  }

  // Step 4: subscribe. There is no log to look into: every poll is suspended. When it comes here again it is
  // answered, with a message, or without one because its time is over.
  void subscribe(const ConnectionPointer& connection, const Subscribe& request) {
    if (connection->is_initial) return hold(connection, request);
    connection->is_initial = true;  // so is the next request
    const auto& message = connection->message;
    respond(connection, message ? message_response(*message, request.form)
                                : no_content_response(connection->last, request.form));
  }

  // Step 5: publish. Each held request of the channel gets the message and is resumed.
  void publish(const ConnectionPointer& connection, const Publish& request) {
    std::size_t receivers = 0;
    std::unique_lock lock(mutex_);
    last_ = next_cursor(last_, unix_milliseconds());
    const Message message = make_message(last_, request.body, service_.options.announced_idle_seconds());
    const auto [first, last] = held_.equal_range(request.channel);
    for (auto next = first; next != last; ++receivers) {
      const ConnectionPointer held = (next++)->second;  // before its place ends
      held->message = message;
      end_hold(held);
    }
    lock.unlock();
    respond(connection, published_response(message.cursor, receivers, request.form));
  }

  // Step 6: hold. The request is suspended. Once this thread has given back the lock, another may resume it:
  // nothing here touches the connection after that.
  void hold(const ConnectionPointer& connection, const Subscribe& request) {
    const std::lock_guard lock(mutex_);
    connection->is_initial = false;
    connection->message.reset();
    connection->last = last_;
    connection->is_held = true;
    connection->place = held_.emplace(request.channel, connection);
    connection->timer.expires_after(request.hold);
    connection->timer.async_wait([this, connection](error_code) { end_time(connection); });
  }

  // The timer calls this also after a hold that a message has ended, perhaps during the next hold.
  void end_time(const ConnectionPointer& connection) {
    const std::lock_guard lock(mutex_);
    const bool is_over = connection->timer.expiry() <= std::chrono::steady_clock::now();
    if (connection->is_held && is_over) end_hold(connection);
  }

  // Step 7: end of a hold. The caller has the lock. Some thread of the pool will handle the request again.
  void end_hold(const ConnectionPointer& connection) {
    held_.erase(connection->place);
    connection->is_held = false;
    connection->timer.cancel();
    asio::post(pool_, [this, connection] { handle(connection); });
  }

  // Step 8: respond. The thread is free while the socket takes the bytes.
  void respond(const ConnectionPointer& connection, const Response& response) {
    const auto on_written = [this, connection, response](error_code error, std::size_t) {
      if (error || response.close) return close(connection);
      read_request(connection);
    };
    asio::async_write(connection->socket, asio::buffer(*response.bytes), on_written);
  }

  // Step 9: close.
  void close(const ConnectionPointer& connection) {
    error_code ignored;
    connection->socket.close(ignored);
  }

  Stats stats() {
    const std::lock_guard lock(mutex_);
    return {.pattern = "continuations-minimal", .pid = getpid(), .held = held_.size()};
  }

  const Service service_;
  asio::thread_pool pool_{std::max(1u, std::thread::hardware_concurrency())};
  tcp::acceptor listener_;

  std::mutex mutex_;  // guards all below, and the continuations of held connections
  Held held_;
  Cursor last_;  // of the newest message
};

}  // namespace comet::minimal

int main(int argc, char** argv) {
  const auto options = comet::common::start_minimal(argc, argv, "comet-continuations-minimal");
  comet::minimal::Server(options).run();
}
