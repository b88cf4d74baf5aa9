// Lab 7, a diet: lab 1's server with one thread per connection, in less memory for each held request.
// The server works as it is; the marked parts are where its memory goes.
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "labs/kit/kit.hpp"

namespace {

// One client. It belongs to its thread; no other thread touches it.
struct Connection {
  int socket;
  kit::RequestReader reader;
  bool is_open = true;
};

class Server {
 public:
  explicit Server(kit::Setup& setup) : setup_(setup) {}

  void run() {
    while (true) {
      const int socket = kit::accept_client(setup_);
      if (!start_thread(socket)) close(socket);  // there are too many threads
    }
  }

 private:
  // False: the system allows no more threads.
  bool start_thread(int socket) {
    // >>> student: a stack of 8 MiB of addresses is not memory, but it has a page table of its own in the kernel
    // <<< starter
    //= try {
    //=   std::thread([this, socket] { serve(socket); }).detach();
    //= } catch (const std::system_error&) {
    //=   return false;
    //= }
    //= return true;
    // === solution
    constexpr std::size_t kStackSize = 64UL * 1024;  // 32 of them share a page of the page table
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    const bool is_size = pthread_attr_setstacksize(&attributes, kStackSize) == 0;
    auto client = std::make_unique<Client>(Client{this, socket});
    pthread_t thread;
    const bool is_started = is_size && pthread_create(&thread, &attributes, begin, client.get()) == 0;
    if (is_started) (void)client.release();  // now the thread's
    pthread_attr_destroy(&attributes);
    return is_started;
    // <<< end
  }

  struct Client {
    Server* server;
    int socket;
  };
  // What such a thread runs; `client` is a Client that it owns.
  static void* begin(void* client) {
    const std::unique_ptr<Client> own(static_cast<Client*>(client));
    own->server->serve(own->socket);
    return nullptr;
  }

  // All the requests of one client, one after the other.
  void serve(int socket) {
    Connection connection{socket, kit::RequestReader(setup_)};
    while (connection.is_open) {
      const auto request = kit::receive(socket, connection.reader);
      if (!request) break;
      handle(connection, *request);
    }
    close(socket);
  }

  void handle(Connection& connection, const kit::Request& request) {
    switch (request.what) {
      case kit::Request::What::subscribe:
        return subscribe(connection, request);
      case kit::Request::What::publish:
        return publish(connection, request);
      case kit::Request::What::reply:
        return respond(connection, request.reply);
    }
  }

  // Sleeps until a message is published to the channel, or until the time is over.
  void subscribe(Connection& connection, const kit::Request& request) {
    give_back(connection);
    std::optional<kit::Message> message;
    std::unique_lock lock(mutex_);
    const kit::Cursor last = last_;
    const auto place = held_.emplace(request.channel, &message);
    {
      const kit::Held counted(setup_);
      message_came_.wait_for(lock, request.hold, [&] { return message.has_value(); });
    }
    if (!message) held_.erase(place);
    lock.unlock();
    respond(connection,
            message ? kit::message(*message, request.form) : kit::nothing_new(last, request.form));
  }

  // Called before the thread sleeps, perhaps for long. Gives back memory that it does not need while it sleeps. The
  // connection is needed: its reader has what the client has sent early.
  [[gnu::noinline]] static void give_back([[maybe_unused]] Connection& connection) {
    // >>> student: kit::receive() and the parser have touched many pages of this stack, deeper than where you are now
    // <<< starter
    // === solution
    constexpr std::uintptr_t kPage = 4096;
    constexpr std::uintptr_t kCalls = 1024;  // below this function's frame: what it calls has one, too
    pthread_attr_t attributes;
    void* lowest = nullptr;
    std::size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
    pthread_attr_getstack(&attributes, &lowest, &size);
    pthread_attr_destroy(&attributes);
    // A stack grows down: from here upwards it is in use. This page stays, and all above it.
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const auto end = (here - kCalls) / kPage * kPage;
    const auto begin = reinterpret_cast<std::uintptr_t>(lowest);
    if (end > begin && madvise(lowest, end - begin, MADV_DONTNEED) != 0) std::perror("madvise");
    // <<< end
  }

  // Gives the message to every request that is held on the channel, and wakes their threads.
  void publish(Connection& connection, const kit::Request& request) {
    std::unique_lock lock(mutex_);
    const kit::Message message = kit::make_message(last_, request.body, setup_);
    last_ = message.cursor;
    const auto [first, last] = held_.equal_range(request.channel);
    for (auto held = first; held != last; ++held) *held->second = message;
    const std::size_t receivers = held_.erase(request.channel);
    lock.unlock();
    message_came_.notify_all();
    respond(connection, kit::published(message.cursor, receivers, request.form));
  }

  // Waits while the client does not read.
  static void respond(Connection& connection, const kit::Response& response) {
    connection.is_open = kit::send(connection.socket, response);
  }

  kit::Setup& setup_;
  kit::Mutex mutex_;  // guards all below, and the messages that held_ leads to
  kit::ConditionVariable message_came_;
  // By channel: where a message is put for a thread that sleeps.
  std::multimap<std::string, std::optional<kit::Message>*> held_;
  kit::Cursor last_ = setup_.started;  // of the newest message
};

// The C library reads its settings from the environment, but only when a program starts. So this one sets them, and
// starts itself once more.
void choose_settings([[maybe_unused]] char** arguments) {
  // >>> student: on each stack there is room for libraries to come, and for each thread a cache of freed memory
  // <<< starter
  // === solution
  constexpr const char* kVariable = "GLIBC_TUNABLES";
  if (std::getenv(kVariable) != nullptr) return;  // somebody has chosen already; perhaps this was us
  constexpr const char* kSettings =
      "glibc.rtld.nns=1:glibc.rtld.optional_static_tls=0:"
      "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=2";
  std::error_code failed;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (!failed && setenv(kVariable, kSettings, 1) == 0) execv(program.c_str(), arguments);
  std::perror("starting anew with smaller settings");  // it goes on, with more memory
  // <<< end
}

}  // namespace

int main(int argc, char** argv) {
  choose_settings(argv);
  kit::Setup setup(argc, argv);
  Server(setup).run();
}
