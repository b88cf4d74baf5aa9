// A client that can send any bytes in any pieces and reads strictly: blocking calls, each with a deadline. A
// call that cannot do its work throws ClientError with one line that says what came instead.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comet::test {

struct ClientError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// How long a client waits for what the server must do "at once": an upper bound that only a broken
// server reaches.
std::chrono::milliseconds patience();
void set_patience(std::chrono::milliseconds bound);

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  bool has(std::string_view name) const;
  std::string header(
      std::string_view name) const;  // the first field of that name in any case, "" if there is none
};

// One request: request line, Host, `fields` (each ends in CRLF), Content-Length if there is a body, the body.
std::string request(std::string_view method, std::string_view target, std::string_view fields = "",
                    std::string_view body = "");
std::string get_request(std::string_view target);

enum class Expect { kBody, kHeadersOnly };  // kHeadersOnly: the answer to a HEAD

// Whether the test's transcript has what is sent and received on a connection.
enum class Recorded { kYes, kNo };

class Connection {
 public:
  // receive_buffer: bytes that the kernel may take in unread, 0: its default.
  explicit Connection(std::uint16_t port, int receive_buffer = 0, Recorded recorded = Recorded::kYes);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;

  // Sends everything. That the server has closed is not an error here; the next read tells.
  void send(std::string_view bytes);
  // Sends each byte on its own and waits until the other side's kernel has it.
  void send_byte_by_byte(std::string_view bytes);
  // Until the other side's kernel has all that was sent.
  void wait_until_received() const;
  // Whether the server's program has read all that was sent, as the kernel says (/proc/net/tcp). True if the
  // server has closed: the next read tells.
  bool is_read_by_server() const;

  Response read_response(Expect expect = Expect::kBody);
  // Waits for bytes or the server's close; true if it has closed and every byte before that was read.
  bool at_end();
  // Waits for `count` bytes, or the server's close, and returns them.
  std::string read_bytes(std::size_t count);
  // Waits for the server to close and returns what it sent before.
  std::string read_until_closed();
  // Waits up to `bound` for bytes or the server's close.
  bool readable_within(std::chrono::milliseconds bound) const;

  void end_sending();  // FIN, still reading
  void leave();        // FIN, nobody reads any more
  void reset();        // RST

 private:
  // False: the server has closed. `before` is what it sent of this answer, for the message of a failure.
  bool receive_more(std::chrono::steady_clock::time_point deadline, const std::string& before = "");
  void record(const char* what) const;

  int socket_ = -1;
  int number_ = 0;        // in the transcript; 0: it is not recorded
  std::string received_;  // bytes that came after the last whole answer
};

}  // namespace comet::test
