// A small server for testing the suite: one thread, one poll() loop over core/, right in everything but the
// one fault that it is told to have. Without a fault it keeps the whole contract.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/channels.hpp"
#include "core/deadlines.hpp"
#include "core/request_reader.hpp"

namespace comet::wrong_server {
using namespace core;

enum class State { kIdle, kReading, kHeld, kWorking, kWriting, kLingering };

struct Client;
using WrongChannels = Channels<std::vector<Client*>>;

struct Client {
  Client(int descriptor, const Service& service) : socket(descriptor), reader(service) {}

  int socket;
  RequestReader reader;
  State state = State::kIdle;
  Clock::time_point deadline;
  std::string output;
  bool closing = false;     // once the output is written
  bool delivering = false;  // the output ends in a message
  bool dead = false;
  WrongChannels::Channel* channel = nullptr;  // while held
  ReplyForm form;
  Milliseconds hold{0};
};

class WrongServer {
 public:
  // `fault`: one of the names in main.cpp, or empty.
  WrongServer(const Options& options, std::string fault);
  int run();  // until drained; the exit status

 private:
  using Channel = WrongChannels::Channel;

  bool has(const char* fault) const { return fault_ == fault; }
  Milliseconds time_in(State state) const;
  void enter(Client& client, State state);
  void accept_client();
  void read_from(Client& client);
  void decide(Client& client, Decision decision);
  void subscribe(Client& client, const Subscribe& request);
  void publish(Client& client, const Publish& request);
  void publish_now(Client& client, const Publish& request);
  void work_in_pool(Client& client, const Publish& request);
  void finish_work();
  void append(Channel& channel, std::string_view body, Cursor cursor = {});
  void unhold(Client& client);
  void answer(Client& client, const Response& response);
  std::string spoilt_request(std::string bytes) const;
  std::string spoilt(const Client& client, std::string bytes) const;
  void flush(Client& client);
  void expire(Client& client);
  void drop(Client& client);
  void drain();
  void poll_once();

  Options options_;
  std::string fault_;
  Counters counters_;
  std::uint64_t started_;
  Service service_;
  WrongChannels channels_;
  int listener_;
  std::list<Client> clients_;
  std::vector<std::pair<std::string, std::string>> not_yet_logged_;  // only with answers_before_logging
  bool draining_ = false;
  Clock::time_point drain_deadline_;

  int work_done_;  // an eventfd
  std::mutex work_mutex_;
  std::vector<std::pair<Client*, Publish>>
      worked_;  // guarded by it: what threads of the pool have blocked for
  std::unique_ptr<boost::asio::thread_pool> work_pool_;  // from run() on: its threads take no signals
};

}  // namespace comet::wrong_server
