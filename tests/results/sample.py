"""Made-up result files of the form that results/schema.json demands. No figure in them was ever measured."""
import json
import pathlib
import random

ENTRIES = {  # name: (group, cost factor, user bytes per held request)
    "prefork": ("pattern", 3.0, 180000), "threaded": ("pattern", 2.4, 24000), "async": ("pattern", 1.3, 900),
    "continuations-redispatch": ("pattern", 1.9, 1900), "continuations-direct": ("pattern", 1.6, 1700),
    "continuations-stackful": ("pattern", 1.8, 14000), "fibers": ("pattern", 1.7, 12000),
    "fibers-hibernate": ("pattern", 1.8, 1200), "floor": ("floor", 1.0, 250), "node": ("peer", 5.0, 6500),
    "twisted": ("peer", 15.0, 8000), "nchan": ("peer", 1.6, 1500),
}
STUDENTS = {"mine": ("student", 4.0, 21000), "theirs": ("student", 3.5, 23000)}  # written only if they are named
SCENARIOS = {  # name: (members, sizes)
    "broadcast": ({"kind": "broadcast", "duration_s": 2}, [100, 1000, 4000, 15000]),
    "hold": ({"kind": "hold"}, [15000]),
    "steady-cursors": ({"kind": "steady", "duration_s": 2, "publishes_per_second": 20, "cursors": True},
                       [100, 500, 1000, 2000]),
    "steady-no-cursors": ({"kind": "steady", "duration_s": 2, "publishes_per_second": 20, "cursors": False},
                          [100, 500, 1000, 2000]),
    "churn": ({"kind": "churn", "duration_s": 3, "hold_s": 1}, [500, 2000]),
    "channels": ({"kind": "channels", "duration_s": 2, "publishes_per_second": 2000, "channels": 1000}, [4000]),
    "blocking-inline-60-percent": ({"kind": "blocking", "duration_s": 2, "publishes_per_second": 20}, [100]),
    "blocking-pool-60-percent": ({"kind": "blocking", "duration_s": 2, "publishes_per_second": 20}, [100]),
}
MACHINE = {"cpu": "made-up figures of a test", "cores": 2, "memory": "1 kB", "kernel": "Linux 0.0",
           "open_files_limit": 20000, "processes_limit": None, "settings": {"net/core/somaxconn": "4096"},
           "changed_settings": ["net/core/somaxconn"]}


def latency(median_us, noise):
    quantiles = [(0, .4), (10, .6), (25, .8), (50, 1), (75, 1.3), (90, 1.8), (95, 2.2), (99, 3.5), (99.9, 6), (100, 9)]
    curve = [[percent, round(median_us * factor * noise, 1)] for percent, factor in quantiles]
    at = dict(map(tuple, curve))
    return {"p50_us": at[50], "p90_us": at[90], "p99_us": at[99], "p99_9_us": at[99.9], "max_us": at[100],
            "curve": curve}


def memory(per_held, held):
    rest = 3_000_000
    return {"at_rest_bytes": rest, "held_bytes": int(rest + per_held * held), "after_bytes": int(rest + per_held * held),
            "per_held_before_bytes": per_held, "per_held_bytes": per_held}


def phases(wait_ms, cpu_us, held, name):
    def phase(time_ms, cpu, bounded=False):
        return {"time_ms": time_ms, "longest_ms": time_ms * 1.5, "per_second": held * 1000 / time_ms,
                "server_cpu_us_per_delivery": cpu, "server_cores": 0.8, "busiest_client_cores": 0.5, "bounded": bounded}
    apart = name != "broadcast-ask-at-once"
    return {"rounds": 30, "reached_sockets_ms": wait_ms if apart else None,
            "delivery": phase(wait_ms, cpu_us * 0.7) if apart else None,
            "return": phase(wait_ms / 2, cpu_us * 0.3) if apart else None, "cycle": phase(wait_ms * 1.5, cpu_us)}


def points(kind, per_held, held, noise):
    if kind == "hold":
        return [{"held": size, "user_bytes": int((3e6 + per_held * size) * noise),
                 "kernel_bytes": int((1e6 + 4500 * size) * noise)} for size in (100, 1000, 4000, 15000) if size <= held]
    if kind == "churn":
        return [{"at_s": second / 2, "held": held if second < 8 else 0,
                 "user_bytes": int(3e6 + per_held * held * (1 if second < 8 else 0.1))} for second in range(12)]
    return None


def repeat(number, scenario, entry, held, chance):
    kind, name, rate = scenario["kind"], scenario["name"], scenario.get("publishes_per_second", 20)
    _, cost, per_held = (ENTRIES | STUDENTS)[entry]
    noise = chance.uniform(0.96, 1.04)
    status, note = "complete", None
    if entry == "prefork" and held > 8000:
        status, note, held = "ceiling", "holds 8,000 of 15,000: processes_limit", 8000
    if entry == "twisted" and held > 8000:
        status, note, held = "failed", "stopped delivering", 0
    if entry == "nchan" and kind == "channels":
        status, note, held = "skipped", "does not keep: channels", 0
    complete = status == "complete"
    expected = {"churn": 0, "hold": held}.get(kind, held * 40)
    lost = int(expected * 0.02 * cost) if name == "steady-no-cursors" else 0
    delivers = complete and kind != "churn"
    timed = delivers and kind != "hold"
    wait = 20 * held * cost if kind == "broadcast" else 300 * cost * (1 + held / 2000) * (rate / 20)
    blocked = 20000 if name == "blocking-inline-60-percent" and entry in ("async", "fibers", "node", "floor") else 150 * cost
    return {
        "repeat": number, "position": chance.randint(1, 200), "started_at": "2000-01-01T00:00:00Z", "status": status,
        "note": note, "held": held, "connect_s": 0.1, "hold_rate_per_second": held * 10.0, "duration_s": 2.0,
        "deliveries": {"expected": expected, "delivered": expected - lost, "lost": lost, "duplicate": 0, "wrong": 0,
                       "per_second": 94000 / cost * noise if timed else None,
                       "offered_per_second": held * rate if complete and kind not in ("hold", "broadcast") else None},
        "phases": phases(wait / 1000, 9 * cost * noise, held, name) if delivers and kind in ("broadcast", "hold") else None,
        "errors": {"503": 3} if status == "ceiling" else {},
        "latency": latency(wait, noise) if delivers else None,
        "socket_latency": latency(wait * 0.8, noise) if delivers else None,
        "skew": {"p50_us": wait * noise, "p99_us": wait * 1.4 * noise, "max_us": wait * 3} if delivers else None,
        "publish_lag": {"p50_us": 4, "p99_us": 30, "max_us": 90} if complete else None,
        "other_latency": latency(blocked, noise) if timed and kind == "blocking" else None,
        "server": {"command": ["server", "--port", "1"], "processes": 1, "threads": 1, "descriptors": held + 10,
                   "cpu_us_per_delivery": 9 * cost * noise if delivers else None,
                   "context_switches_per_delivery": 0.01 * cost ** 4 * noise if delivers else None,
                   "system_calls_per_delivery": 2 * cost ** 0.5 * noise if timed else None, "cores_used": 0.8,
                   "stop_s": 0.1, "exit_status": 0, "had_to_be_killed": False},
        "generator": {"processes": 1, "cpu_us_per_delivery": 5.0, "cores_used": 0.5, "busiest_client_cores": 0.5, "lag_p99_us": 80.0,
                      "limited": entry == "floor" and kind == "broadcast"},
        "user_memory": memory(per_held * noise, held), "kernel_memory": memory(4500 * noise, held),
        "kernel_network": {"segments_retransmitted": 0, "packets_dropped": 0},
        "points": points(kind, per_held, held, noise),
    }


def write(folder, repeats=5, seed=1, scenarios=None, entries=None, started="2000-01-01T00:00:00Z", rate=None):
    """Writes a run into `folder` and returns its files by name. `rate`: messages per second, for the scenario's own."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    run = {"started_at": started, "command_line": ["comet-loadgen", "bench", "--seed", str(seed)], "seed": seed,
           "commit": "0" * 40, "machine": MACHINE}
    files = {}
    for name in scenarios or SCENARIOS:
        members, sizes = SCENARIOS[name]
        for entry in entries or ENTRIES:
            for held in sizes:
                scenario = {"name": name, **members, **({"publishes_per_second": rate} if rate else {})}
                if name == "churn":
                    scenario["arrivals_per_second"] = held / members["hold_s"]
                content = {"schema": 3, "run": run, "scenario": scenario, "entry": entry,
                           "model": "made-up", "group": (ENTRIES | STUDENTS)[entry][0], "floor": "floor", "held_wanted": held,
                           "repeats": [repeat(i + 1, scenario, entry, held, chance)
                                       for i in range(repeats)]}
                path = folder / f"{name}-{entry}-{held}.json"
                path.write_text(json.dumps(content))
                files[path.name] = content
    return files
