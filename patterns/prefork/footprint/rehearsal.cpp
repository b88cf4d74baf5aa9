// Model: prefork. What libraries set up at their first use (tables, locales, buffers) is set up by the master
// before it forks. Workers then share those pages; otherwise each would set up its own, 32 KiB.
// Owner of a connection: nothing here.
// Runs on: the master, before its first fork.
// Wakes a held request: nothing here.
#include <string>

#include "patterns/prefork/server.hpp"

namespace comet::prefork {

void Server::rehearse() const {
  RequestReader reader(service_);
  for (const char* path :
       {"/subscribe?channel=a&since=0&timeout=1", "/publish?message=a%20b", "/stats", "/x"}) {
    reader.feed("GET " + std::string(path) +
                " HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
  }
  std::size_t head_size = 0;
  encode_message(Cursor{started_, 0}, "a", 0, head_size);
  continue_response();
}

}  // namespace comet::prefork
