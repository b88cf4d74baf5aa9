"""The figures that a chapter can name. All that the book knows of the form of a result file is here.

A member: name | where it lies in a repeat of a result file | unit | its head in a table | kind
Kind "speed" changes with the machine: only ratios and orders of such a member can be claimed. "count" and "bytes" do not.
A "ratio" is to the figure of the entry's floor, repeat by repeat.
"""
import dataclasses

from marks import Problem

TABLE = """
deliveries_per_second | deliveries/per_second               | /s    | deliveries         | speed
hold_rate             | hold_rate_per_second                | /s    | connected and held | speed
latency_p50           | latency/p50_us                      | ms    | latency, p50       | speed
latency_p90           | latency/p90_us                      | ms    | latency, p90       | speed
latency_p99           | latency/p99_us                      | ms    | latency, p99       | speed
latency_p99_9         | latency/p99_9_us                    | ms    | latency, p99.9     | speed
latency_max           | latency/max_us                      | ms    | latency, longest   | speed
other_latency_p50     | other_latency/p50_us                | ms    | others, p50        | speed
other_latency_p99     | other_latency/p99_us                | ms    | others, p99        | speed
other_latency_max     | other_latency/max_us                | ms    | others, longest    | speed
skew_p50              | skew/p50_us                         | ms    | first to last, p50 | speed
skew_p99              | skew/p99_us                         | ms    | first to last, p99 | speed
publish_lag_p99       | publish_lag/p99_us                  | ms    | publish lag, p99   | speed
server_cpu_us         | server/cpu_us_per_delivery          | us    | server CPU         | speed
x_floor               | server/cpu_us_per_delivery          |       | x floor            | ratio
delivery_cpu_us       | phases/delivery/server_cpu_us_per_delivery | us | server CPU to deliver | speed
return_cpu_us         | phases/return/server_cpu_us_per_delivery | us | server CPU to hold again | speed
reach_ms              | phases/reached_sockets_ms           | ms    | to reach everybody | speed
return_ms             | phases/return/time_ms               | ms    | to hold all again  | speed
reached_per_second    | phases/delivery/per_second          | /s    | reached            | speed
returned_per_second   | phases/return/per_second            | /s    | held again         | speed
delivery_server_cores | phases/delivery/server_cores        |       | server cores meanwhile | speed
delivery_client_cores | phases/delivery/busiest_client_cores |      | client cores meanwhile | speed
return_server_cores   | phases/return/server_cores          |       | server cores meanwhile | speed
return_client_cores   | phases/return/busiest_client_cores  |       | client cores meanwhile | speed
response_bytes        | deliveries/response_bytes           | bytes | answer             | bytes
server_cores          | server/cores_used                   |       | server cores       | speed
generator_cpu_us      | generator/cpu_us_per_delivery       | us    | generator CPU      | speed
generator_cores       | generator/cores_used                |       | generator cores    | speed
context_switches      | server/context_switches_per_delivery |      | context switches   | count
system_calls          | server/system_calls_per_delivery    |       | system calls       | count
app_bytes             | user_memory/per_held_bytes          | bytes | memory, app        | bytes
app_bytes_held        | user_memory/per_held_before_bytes   | bytes | memory, app, before any message | bytes
app_bytes_at_rest     | user_memory/at_rest_bytes           | bytes | memory at rest     | bytes
app_bytes_after       | user_memory/after_bytes             | bytes | memory, app, afterwards | bytes
kernel_bytes          | kernel_memory/per_held_before_bytes | bytes | memory, kernel, before any message | bytes
kernel_bytes_after    | kernel_memory/per_held_bytes        | bytes | memory, kernel     | bytes
held                  | held                                |       | held               | count
expected              | deliveries/expected                 |       | expected           | count
delivered             | deliveries/delivered                |       | delivered          | count
lost                  | deliveries/lost                     |       | lost               | count
duplicate             | deliveries/duplicate                |       | repeated           | count
wrong                 | deliveries/wrong                    |       | wrong              | count
processes             | server/processes                    |       | processes          | count
threads               | server/threads                      |       | threads            | count
descriptors           | server/descriptors                  |       | descriptors        | count
stop_s                | server/stop_s                       | s     | time to stop       | speed
"""


@dataclasses.dataclass
class Member:
    name: str
    path: str
    unit: str
    head: str
    kind: str

    def value(self, repeat):
        """Of one repeat, in the member's unit; None if it was not measured."""
        found = repeat
        for key in self.path.split("/"):
            found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            return None
        return found / 1000 if self.unit == "ms" and self.path.endswith("_us") else found


MEMBERS = {member.name: member for member in
           (Member(*(part.strip() for part in line.split("|"))) for line in TABLE.strip().splitlines())}


def member_of(name):
    if name not in MEMBERS:
        raise Problem(f"no member {name}; there are {', '.join(MEMBERS)}")
    return MEMBERS[name]


def repeats_of(result):
    """The repeats of a result file that count."""
    return [repeat for repeat in result["repeats"] if repeat["status"] == "complete"]


def scenario_of(result):
    return result["scenario"]["name"]


def run_of(result):
    """What tells one run from another."""
    return result["run"]["started_at"]


def floor_of(result):
    """The entry that it is compared with."""
    return result["floor"]


def packages_of(result):
    """What a peer is made of, with versions; of packages that can take each other's place, those that were there."""
    return ", ".join(package for package in (result["packages"] or "").split(", ") if " " in package.strip())


def commit_of(result):
    return result["run"]["commit"][:7]


def machine_of(result):
    machine = result["run"]["machine"]
    return f"{machine['cores']} cores of {machine['cpu']}, {machine['kernel'].split('-')[0]}"


def date_of(result):
    return result["run"]["started_at"][:10]
