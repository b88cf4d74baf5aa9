// The columns of the text table: see table_figures.hpp.
#include "loadgen/results/table_figures.hpp"

#include "loadgen/numbers.hpp"

namespace comet::loadgen {
namespace {

using Number = std::optional<double>;
using Figures = std::vector<TableFigure>;
using PhaseOf = const PhaseFigures* (*)(const Measurement&);

Number bytes(std::optional<std::int64_t> count, double unit) {
  return count ? Number(static_cast<double>(*count) / unit) : std::nullopt;
}

const PhaseFigures* delivery_of(const Measurement& m) {
  return m.phases && m.phases->delivery ? &*m.phases->delivery : nullptr;
}

const PhaseFigures* return_of(const Measurement& m) {
  return m.phases && m.phases->again ? &*m.phases->again : nullptr;
}

TableFigure phase(const std::string& title, PhaseOf of, double PhaseFigures::*member, int digits,
                  const char* bound, const std::string& legend) {
  TableFigure figure{title,
                     [of, member](const Measurement& m) {
                       const PhaseFigures* phase = of(m);
                       return phase == nullptr ? Number() : Number(phase->*member);
                     },
                     digits, false, legend};
  figure.with_interval = true;
  figure.bounded = [of](const Measurement& m) { return of(m) != nullptr && of(m)->bounded; };
  figure.bound = bound;
  return figure;
}

TableFigure phase_cpu(const std::string& title, PhaseOf of, const std::string& legend) {
  return {title, [of](const Measurement& m) { return of(m) == nullptr ? Number() : of(m)->server_cpu_us; }, 2,
          false, legend};
}

TableFigure rate(const std::string& legend, bool plain) {
  TableFigure figure{"deliveries/s", [](const Measurement& m) { return m.deliveries.per_second; }, 0, plain,
                     legend};
  figure.bounded = [](const Measurement& m) { return m.generator.limited; };
  figure.bound = ">= ";
  return figure;
}

TableFigure latency(const std::string& title, std::optional<Distribution> Measurement::*part,
                    double Distribution::*percentile, bool plain, const std::string& legend) {
  TableFigure figure{title,
                     [part, percentile](const Measurement& m) {
                       return m.*part ? Number((*(m.*part)).*percentile / 1e3) : std::nullopt;
                     },
                     2, plain, legend};
  figure.with_interval = percentile == &Distribution::p99_us;
  figure.largest = percentile == &Distribution::max_us;
  return figure;
}

Number waited_percent(const Measurement& m) {
  if (!m.publishes || m.publishes->sent == 0) return std::nullopt;
  return 100 * static_cast<double>(m.publishes->waited) / static_cast<double>(m.publishes->sent);
}

void add_cpu(Figures& figures, bool with_ratio) {
  TableFigure cpu{"CPU us", [](const Measurement& m) { return m.server.cpu_us; }, 2, true,
                  "microseconds of server CPU for one delivery and its return, whole process tree"};
  cpu.with_interval = true;
  cpu.with_ratio = with_ratio;
  figures.push_back(std::move(cpu));
}

// Delivery, return and both together. In hold they are those of one message.
void add_phases(Figures& figures) {
  add_cpu(figures, true);
  TableFigure reach =
      phase("reach ms", delivery_of, &PhaseFigures::time_ms, 2,
            "<= ", "from the time a message was due to its last byte at the last subscriber's socket");
  reach.value = [](const Measurement& m) { return m.phases ? m.phases->reached_sockets_ms : std::nullopt; };
  reach.plain = reach.with_ratio = true;
  figures.push_back(std::move(reach));
  figures.push_back(
      phase("reached/s", delivery_of, &PhaseFigures::per_second, 0, ">= ", "deliveries in that time"));
  figures.push_back(phase("return ms", return_of, &PhaseFigures::time_ms, 2,
                          "<= ", "from the time all are told to ask again to the time all are held"));
  figures.push_back(
      phase("returned/s", return_of, &PhaseFigures::per_second, 0, ">= ", "requests held in that time"));
  figures.push_back(phase_cpu("CPU deliver", delivery_of, "the part of CPU us until all have the message"));
  figures.push_back(phase_cpu("CPU return", return_of, "the rest: until all are held again"));
  TableFigure cycle = rate("a round, both phases together: deliveries / (reach + return)", false);
  cycle.title = "cycles/s";
  figures.push_back(std::move(cycle));
}

void add_paced(Kind kind, Figures& figures) {
  if (kind == Kind::kSteady || kind == Kind::kChannels) {
    figures.push_back({"offered/s", [](const Measurement& m) { return m.deliveries.offered_per_second; }, 0,
                       true, "deliveries per second that the publisher asked for"});
    figures.push_back(rate("over the planned time, or until the last delivery if that came later", true));
  }
  figures.push_back(
      {"waited %", waited_percent, 1, false,
       "publishes sent late, because the previous one on their connection had not been answered"});
}

void add_latencies(Kind kind, Figures& figures) {
  const bool plain = kind != Kind::kBroadcast;
  figures.push_back(latency("p50 ms", &Measurement::socket_latency, &Distribution::p50_us, plain,
                            "milliseconds from the time a message was due to its last byte at the "
                            "subscriber's socket, by the kernel's receive timestamps"));
  figures.push_back(latency("p99 ms", &Measurement::socket_latency, &Distribution::p99_us, plain, ""));
  figures.push_back(
      latency("max ms", &Measurement::socket_latency, &Distribution::max_us, false, "of all repeats"));
  figures.push_back(latency("read p99", &Measurement::latency, &Distribution::p99_us, false,
                            "the same to the subscriber that has read it: with its own queue"));
  if (kind != Kind::kBlocking) return;
  figures.push_back(latency("others p50", &Measurement::other_latency, &Distribution::p50_us, true,
                            "milliseconds from the time another request was due to its answer"));
  figures.push_back(latency("others p99", &Measurement::other_latency, &Distribution::p99_us, true, ""));
  figures.push_back(
      latency("others max", &Measurement::other_latency, &Distribution::max_us, false, "of all repeats"));
}

void add_memory(Kind kind, Figures& figures) {
  const auto per_held = [kind](const MemoryFigures Measurement::*part, const std::string& title,
                               const std::string& legend) {
    TableFigure figure{
        title,
        [part](const Measurement& m) { return (m.*part).per_held(m.last_while_held(m.*part), m.held); }, 0,
        kind != Kind::kChurn, legend};
    figure.with_interval = kind == Kind::kHold;
    return figure;
  };
  figures.push_back(per_held(
      &Measurement::user, "user B",
      "server memory for one held request after messages: proportional set size minus that at rest; of few "
      "small ones it may be negative, for the rest changes by some pages too"));
  figures.push_back(per_held(
      &Measurement::kernel, "kernel B",
      "the kernel's memory for it at the same moment: system-wide change, with the clients' sockets"));
  figures.push_back({"rest MiB", [](const Measurement& m) { return bytes(m.user.at_rest, kMebibyte); }, 1,
                     kind == Kind::kChurn, "server memory with no clients (proportional set size)"});
  if (kind != Kind::kChurn) return;
  figures.push_back({"after MiB", [](const Measurement& m) { return bytes(m.user.after, kMebibyte); }, 1,
                     true, "the same after all have left", true});
}

void add_counts(Figures& figures) {
  figures.push_back({"switches", [](const Measurement& m) { return m.server.context_switches; }, 2, false,
                     "context switches of the server for one delivery"});
  figures.push_back({"calls", [](const Measurement& m) { return m.server.system_calls; }, 2, false,
                     "system calls of the server for one delivery"});
  figures.push_back({"response B", [](const Measurement& m) { return bytes(m.deliveries.response_bytes, 1); },
                     0, false, "bytes of one response with a message, headers included"});
}

Figures all_of(Kind kind) {
  Figures figures;
  if (kind == Kind::kChurn)
    figures.push_back(
        {"arrivals/s", [](const Measurement& m) { return m.hold_rate; }, 0, true, "that were not refused"});
  if (kind == Kind::kHold)
    figures.push_back({"holds/s", [](const Measurement& m) { return m.hold_rate; }, 0, true,
                       "held requests per second while they were connected", true});
  if (kind == Kind::kBroadcast) add_phases(figures);
  const bool paced = kind == Kind::kSteady || kind == Kind::kChannels || kind == Kind::kBlocking;
  if (paced) add_paced(kind, figures);
  if (paced || kind == Kind::kBroadcast) add_latencies(kind, figures);
  if (paced) add_cpu(figures, false);
  add_memory(kind, figures);
  if (paced || kind == Kind::kBroadcast) add_counts(figures);
  return figures;
}

}  // namespace

std::vector<TableFigure> table_figures(Kind kind, bool all_columns) {
  Figures figures = all_of(kind);
  if (all_columns) return figures;
  std::erase_if(figures, [](const TableFigure& figure) { return !figure.plain; });
  for (TableFigure& figure : figures) figure.with_interval = false;
  return figures;
}

}  // namespace comet::loadgen
