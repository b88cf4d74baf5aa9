// Refusals of subscribers while something is out. Each ends the connection, which gives back what it takes.
#include "patterns/fibers/server.hpp"

namespace comet::fibers {

// The last free fibers are for publishers.
void Server::refuse_hold(Connection& connection, ReplyForm form) {
  form.keep_alive = false;
  respond(connection, service_.unavailable("no memory to hold one more request", form));
}

// No memory for what the client has sent while its request is held. That is lost, so the connection ends with
// the answer to the held request.
void Server::refuse_input(Connection& connection) {
  connection.form.keep_alive = false;
  end_hold(connection);
  const Letter letter = connection.mailbox.receive();
  if (letter.kind != Kind::left) return finish(connection, letter);
  respond(connection, connection.reader.refuse_without_memory({}));
}

}  // namespace comet::fibers
