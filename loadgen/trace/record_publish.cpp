// One recorded publish: see record_publish.hpp.
#include "loadgen/trace/record_publish.hpp"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>

#include "loadgen/clients/http.hpp"
#include "loadgen/clock.hpp"
#include "loadgen/driver/doctor.hpp"
#include "loadgen/driver/server_process.hpp"
#include "loadgen/driver/smoke.hpp"
#include "loadgen/machine/machine.hpp"
#include "loadgen/machine/proc_file.hpp"
#include "loadgen/machine/process_tree.hpp"
#include "loadgen/signals.hpp"
#include "loadgen/trace/system_call_names.hpp"
#include "loadgen/trace/trace_lines.hpp"
#include "loadgen/trace/tracefs.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;

constexpr double kReadyTimeout = 30;  // seconds
constexpr int kWarmUpPublishes = 3;
constexpr std::int64_t kQuietTimeout = 2 * kSecond;  // a server that never sleeps is recorded as it is
constexpr auto kQuietStep = std::chrono::milliseconds(5);
constexpr int kSliceMilliseconds = 1000;  // how often the subscribers check for a stop signal
constexpr char kSubscribe[] = "/subscribe?channel=trace";
constexpr char kPublish[] = "/publish?channel=trace";
constexpr char kMessage[] = "one message for all of them";

std::string task_file(pid_t process, pid_t thread, const char* name) {
  return read_proc_file(fs::path("/proc") / std::to_string(process) / "task" / std::to_string(thread) / name);
}

// Whether it waits for something, or has ended; this thread, which asks, counts as asleep.
bool is_asleep(const Task& task) {
  const std::string stat = task_file(task.process, task.thread, "stat");
  const std::size_t name_end = stat.rfind(')');
  return name_end == std::string::npos || stat.compare(name_end, 3, ") S") == 0 || task.thread == getpid();
}

// So that the recording shows the publish and nothing that was before it or comes after.
void wait_until_asleep(const std::vector<Task>& tasks) {
  const std::int64_t deadline = now_ns() + kQuietTimeout;
  do {
    std::this_thread::sleep_for(kQuietStep);
    throw_if_interrupted();
  } while (now_ns() < deadline && !std::all_of(tasks.begin(), tasks.end(), is_asleep));
}

Task task_of(pid_t process, pid_t thread, Role role) {
  std::string name = task_file(process, thread, "comm");
  if (name.ends_with('\n')) name.pop_back();
  return {thread, process, name, role};
}

// "socket", "eventfd", "pipe"; empty for all else, and for what is closed again.
std::string kind_of_descriptor(pid_t process, std::int64_t descriptor) {
  std::error_code error;
  const std::string target = fs::read_symlink(
      fs::path("/proc") / std::to_string(process) / "fd" / std::to_string(descriptor), error);
  for (std::string kind : {"socket", "eventfd", "pipe"})
    if (target.starts_with(kind + ":") || target == "anon_inode:[" + kind + "]") return kind;
  return {};
}

// The subscribers, in a thread of their own, and the publisher, which is the thread that calls.
class Clients {
 public:
  // `wait_until_held` is called when all subscribers have asked.
  Clients(const Endpoint& endpoint, std::int64_t held, std::function<void(HttpClient&)> wait_until_held)
      : endpoint_(endpoint), wait_until_held_(std::move(wait_until_held)), publisher_(endpoint) {
    for (std::int64_t i = 0; i < held; ++i) subscribers_.emplace_back(endpoint);
  }
  ~Clients() {
    if (waiting_.valid()) waiting_.wait();
  }

  // Returns when all are held and the subscribers' thread waits for the message; gives that thread.
  pid_t hold();
  // Returns when the publisher has its answer and all subscribers the message.
  void publish();

 private:
  void wait_for_message();

  const Endpoint endpoint_;
  const std::function<void(HttpClient&)> wait_until_held_;
  HttpClient publisher_;
  std::deque<HttpClient> subscribers_;
  std::future<void> waiting_;
};

pid_t Clients::hold() {
  for (HttpClient& subscriber : subscribers_) subscriber.send(get_request(endpoint_, kSubscribe));
  wait_until_held_(publisher_);
  std::promise<pid_t> thread;
  auto started = thread.get_future();
  waiting_ = std::async(std::launch::async, [this, &thread] {
    pthread_setname_np(pthread_self(), "subscribers");
    thread.set_value(gettid());
    wait_for_message();
  });
  return started.get();
}

void Clients::wait_for_message() {
  std::vector<pollfd> sockets;
  for (const HttpClient& subscriber : subscribers_) sockets.push_back({subscriber.socket(), POLLIN, 0});
  for (std::size_t left = sockets.size(); left > 0;) {
    poll(sockets.data(), sockets.size(), kSliceMilliseconds);
    throw_if_interrupted();
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (sockets[i].revents == 0) continue;
      const Response response = subscribers_[i].receive();
      if (response.status != 200 || response.body != kMessage)
        throw std::runtime_error("a subscriber was answered " + std::to_string(response.status) + " '" +
                                 response.body.substr(0, 60) + "' where the message was expected");
      sockets[i] = {-1, 0, 0};  // which poll() ignores
      --left;
    }
  }
}

void Clients::publish() {
  const Response response = publisher_.post(kPublish, kMessage);
  if (response.status != 200)
    throw std::runtime_error("/publish was answered " + std::to_string(response.status));
  waiting_.get();
}

// Leaves out the calls by which this program looked after `published_us` whether the server sleeps.
void leave_out_own_calls(Recording& recording, std::int64_t published_us) {
  std::erase_if(recording.events, [&](const Event& event) {
    const bool is_call = event.kind == EventKind::kCallBegins || event.kind == EventKind::kCallEnds;
    return is_call && event.thread == recording.tasks[0].thread && event.us > published_us;
  });
}

// Says what each call is on, and counts time from the publish.
void complete(Recording& recording) {
  const auto is_publish = [&recording](const Event& event) {
    return event.kind == EventKind::kCallBegins && event.call == "sendto" &&
           event.thread == recording.tasks[0].thread;
  };
  const auto publish = std::find_if(recording.events.begin(), recording.events.end(), is_publish);
  if (publish == recording.events.end())
    throw std::runtime_error(
        "the kernel recorded nothing: in a container with process numbers of its own it cannot; trace "
        "outside of it");
  const std::int64_t zero = publish->us;
  for (Event& event : recording.events) {
    event.us -= zero;
    const auto task = std::find_if(recording.tasks.begin(), recording.tasks.end(),
                                   [&event](const Task& one) { return one.thread == event.thread; });
    if (event.kind == EventKind::kCallBegins && (sends(event.call) || receives(event.call)) &&
        task != recording.tasks.end())
      event.on = kind_of_descriptor(task->process, event.number);
  }
}

void keep_facts(const Entry& entry, std::int64_t held, Recording& recording) {
  recording.entry = entry.name;
  recording.model = entry.model;
  recording.held = held;
  recording.recorded_at = utc_now();
  const auto facts = machine_facts();
  recording.kernel = boost::json::value_to<std::string>(facts.at("kernel"));
  recording.cpu =
      facts.at("cpu").is_string() ? boost::json::value_to<std::string>(facts.at("cpu")) : "unknown processor";
  recording.cores = facts.at("cores").as_int64();
}

std::vector<Task> tasks_of_server(pid_t server) {
  std::vector<Task> tasks;
  for (const pid_t process : process_tree({server}))
    for (const pid_t thread : threads_of(process)) tasks.push_back(task_of(process, thread, Role::kServer));
  return tasks;
}

// The publisher is the first of the tasks.
Recording record(TraceInstance& trace, Clients& clients, pid_t server) {
  const pid_t self = getpid();
  const Task publisher = task_of(self, self, Role::kPublisher);
  const Task subscribers = task_of(self, clients.hold(), Role::kSubscribers);
  const std::vector<Task> server_tasks = tasks_of_server(server);
  Recording recording;
  recording.tasks = {publisher, subscribers};
  recording.tasks.insert(recording.tasks.end(), server_tasks.begin(), server_tasks.end());
  wait_until_asleep(recording.tasks);
  std::vector<pid_t> threads;
  for (const Task& task : recording.tasks) threads.push_back(task.thread);
  trace.start(threads);
  clients.publish();
  const std::int64_t published_us = now_ns() / 1000;  // by the clock of the recording
  wait_until_asleep(server_tasks);
  trace.stop();
  recording.events = parse_trace(trace.text());
  leave_out_own_calls(recording, published_us);
  complete(recording);
  return recording;
}

void wait_until_stats_say(std::int64_t held, HttpClient& client) {
  const std::int64_t deadline = now_ns() + 10 * kSecond;
  while (held_by_server(client) != held) {
    if (now_ns() > deadline) throw std::runtime_error("the server does not hold all subscribers within 10 s");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

// Several joined servers say of themselves only how many they hold. Such an entry keeps no "stats": it holds all
// when it has gone to sleep, for whoever has a request to pass on is awake.
Recording record_publish(const Entry& entry, std::int64_t held, const fs::path& program_folder) {
  TraceInstance trace;  // first: if this machine does not allow it, nothing is started
  const auto capacity = static_cast<std::size_t>(held + kOtherConnections);
  ServerProcess server(entry_command(entry, "127.0.0.1", "0", capacity), entry.folder, program_folder);
  const Endpoint endpoint{"127.0.0.1", static_cast<std::uint16_t>(server.wait_until_ready(kReadyTimeout))};
  const bool has_stats = entry.keeps_part("stats");
  if (has_stats) verify(endpoint, endpoint, [](const std::string&) { return false; });
  Clients clients(endpoint, held, [&](HttpClient& client) {
    if (has_stats) return wait_until_stats_say(held, client);
    wait_until_asleep(tasks_of_server(server.pid()));
  });
  for (int i = 0; i < kWarmUpPublishes; ++i) {
    clients.hold();
    clients.publish();
  }
  Recording recording = record(trace, clients, server.pid());
  keep_facts(entry, held, recording);
  return recording;
}

}  // namespace comet::loadgen
