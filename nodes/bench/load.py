"""comet-loadgen as the bench uses it: what it says of the machine, latency at a rate, and held polls."""
import json
import pathlib
import shutil
import subprocess

from programs import PATIENCE_S, become_program

PROJECT = pathlib.Path(__file__).resolve().parents[2]
ANY_ENTRY = "async"
SUBSCRIBERS = 8  # each on a channel of its own, so that a message reaches one, and publishes go over 8 connections


class Failed(Exception):
    """A repeat that gives no figures, and why."""


class LoadGenerator:
    def __init__(self, programs: pathlib.Path, folder: pathlib.Path):
        self.program = programs / "comet-loadgen"
        self.folder = folder
        self.busy = 0.0  # share of the cores' time that was used, by anybody, while latencies were last measured

    def run(self, *words: object) -> tuple[str, str]:
        """What it prints, and says of errors. Whatever happens here, it is told to end, and ends what it has started."""
        process = subprocess.Popen([str(self.program), *map(str, words)], stdin=subprocess.DEVNULL, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=PROJECT, process_group=0,
                                   preexec_fn=become_program)
        try:
            return process.communicate()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE_S)

    def hold(self, entry: str, held: int) -> dict:
        """A result file: the entry holds more and more polls, and at the end each gets one message."""
        out = self.folder / "bench"
        _, errors = self.run("bench", "--scenario", "hold", "--entries", entry, "--held", held, "--repeats", 1,
                             "--bin-dir", self.program.parent, "--out", out)
        try:
            result = json.loads(next(out.glob(f"*/hold-{entry}-{held}.json")).read_text())
        except StopIteration:
            raise Failed(last_line(errors)) from None
        finally:
            shutil.rmtree(out, ignore_errors=True)
        complete_repeat(result)
        return result

    def facts(self) -> dict:
        """Of this machine and this commit, as result files have them."""
        return self.hold(ANY_ENTRY, 1)["run"]

    def publish(self, url: str, publish_url: str, rate: int, seconds: float) -> dict:
        """One repeat of messages at a rate. Each must come once."""
        scenario = self.folder / "scenario.json"
        scenario.write_text(json.dumps({
            "kind": "channels", "about": "messages at a rate, each to one subscriber", "held": [SUBSCRIBERS],
            "duration_s": seconds, "publishes_per_second": rate, "channels": SUBSCRIBERS}))
        printed, errors = self.run("run", "--url", url, "--publish-url", publish_url, "--scenario", scenario, "--json")
        if not printed:
            raise Failed(last_line(errors))
        repeat = complete_repeat(json.loads(printed))
        deliveries = repeat["deliveries"]
        if deliveries["lost"] or deliveries["duplicate"] or deliveries["wrong"]:
            raise Failed("{lost} lost, {duplicate} repeated, {wrong} wrong".format_map(deliveries))
        return repeat


def complete_repeat(result: dict) -> dict:
    repeat = result["repeats"][0]
    if repeat["status"] != "complete":
        raise Failed(repeat["note"])
    return repeat


def last_line(text: str) -> str:
    return (text.splitlines() or ["comet-loadgen says nothing"])[-1]
