"""What the scenario language takes, and what it refuses, each with its reason."""
import sys
import unittest

sys.dont_write_bytecode = True
from language import Refused, parse


def statements(*lines):
    scenarios, refused = parse("scenario one\n" + "\n".join(lines))
    if refused:
        raise Refused(refused["one"])
    return scenarios["one"]


class LanguageTest(unittest.TestCase):
    def refuses(self, reason, *lines):
        with self.assertRaisesRegex(Refused, reason):
            statements(*lines)

    def test_divides_a_file_into_scenarios_and_skips_comments(self):
        scenarios, refused = parse("// all\nscenario a\npublish x\n\nscenario b\n// of b\npublish y\n")
        self.assertEqual(["a", "b"], list(scenarios))
        self.assertEqual({}, refused)
        self.assertEqual(6 + 1, scenarios["b"][0].line)

    def test_one_refused_scenario_leaves_the_others(self):
        scenarios, refused = parse("scenario a\nsleep 1\nscenario b\npublish y\n")
        self.assertEqual(["b"], list(scenarios))
        self.assertEqual(["a"], list(refused))

    def test_refuses_a_second_scenario_of_the_same_name(self):
        with self.assertRaisesRegex(Refused, "another name"):
            parse("scenario a\npublish x\nscenario a\npublish y\n")

    def test_reads_options_headers_body_and_order(self):
        lines = ("subscribe a channel=red timeout=0", "expect a 204", "request c GET /",
                 'request b POST /publish X-One:1 "two words"', "expect b 200 ok Comet-Receivers:* before c")
        subscribe, _, _, request, expect = statements(*lines)
        self.assertEqual({"channel": "red", "timeout": "0"}, subscribe.options)
        self.assertEqual(([("X-One", "1")], "two words"), (request.headers, request.body))
        self.assertEqual(("ok", [("Comet-Receivers", "*")], "c"), (expect.body, expect.headers, expect.before))

    def test_line_ends_of_bytes_are_written_as_in_c(self):
        self.assertEqual("GET / HTTP/1.1\r\n\r\n", statements(r'send a "GET / HTTP/1.1\r\n\r\n"', "expect a 400")[0].words[0])

    def test_refuses_to_sleep(self):
        for line in ("sleep 1", "pause", "wait 2", "wait 0.5 seconds"):
            self.refuses("time is no event", "subscribe a", line)

    def test_refuses_a_publish_while_a_subscriber_may_not_be_held(self):
        self.refuses("'a' .* is held by now", "subscribe a", "publish x", "expect a 200 x")
        statements("subscribe a", "wait held 1", "publish x", "expect a 200 x")

    def test_refuses_an_answer_of_the_clock_in_place_of_an_event(self):
        self.refuses("only lets time pass", "subscribe a", "subscribe clock timeout=1", "expect clock 204", "publish x")
        self.refuses("only lets time pass", "request p POST /publish x", "send clock GET", "expect clock 408", "publish y")

    def test_refuses_to_count_fewer_than_may_be_held(self):
        self.refuses("a, b may be held", "subscribe a", "subscribe b", "wait held 1", "publish x")

    def test_at_a_cap_the_order_of_two_subscribers_is_no_chance(self):
        self.refuses("'a' .* is held by now", "server --max-held 1", "subscribe a", "subscribe b", "expect b 503")
        statements("server --max-held 1", "subscribe a", "wait held 1", "subscribe b", "expect b 503")

    def test_refuses_a_publish_before_another_is_answered(self):
        self.refuses("has been served", "request p POST /publish x", "publish y")
        statements("request p POST /publish x", "request h GET /healthz", "expect h 200 before p")

    def test_a_wait_settles_only_what_its_counter_counts(self):
        self.refuses("'p' .* has been served", "request p POST /publish x", "wait channels 1", "publish y")
        self.refuses("'p' .* has been served", "request p POST /publish x", "wait held 0", "publish y")
        self.refuses("'h' .* has been served", "request h GET /healthz", "wait published 0", "publish y")
        statements("request p POST /publish x", "wait published 1", "publish y")
        self.refuses("'q' .* has been served|'p' .* has been served", "request p POST /publish x", "request q POST /publish y",
                     "wait published 1", "publish z")
        self.refuses("'p' .* has been served", "publish x", "request p POST /publish y", "wait published 1", "publish z")
        statements("publish x", "request p POST /publish y", "wait published 2", "publish z")
        self.refuses("'b' .* has been served", "subscribe a", "wait held 1", "request b GET /subscribe", "wait held 1",
                     "publish x")
        statements("subscribe a", "wait held 1", "request b GET /subscribe", "wait held 2", "publish x")

    def test_a_wait_for_one_of_two_that_left_settles_neither(self):
        two = ("subscribe a", "subscribe b", "wait held 2", "close a", "close b")
        for wait in ("wait disconnects 1", "wait held 1"):
            self.refuses("noticed that 'a' left", *two, wait, "publish x")
        for wait in ("wait disconnects 2", "wait held 0"):
            statements(*two, wait, "publish x")

    def test_a_client_that_left_is_waited_for(self):
        self.refuses("noticed that 'a' left", "subscribe a", "wait held 1", "close a", "publish x")
        statements("subscribe a", "wait held 1", "reset a", "wait disconnects 1", "publish x")

    def test_after_a_signal_only_answers_can_be_expected(self):
        self.refuses("after a signal", "signal TERM", "publish x")
        statements("subscribe a", "wait held 1", "signal TERM", "expect a 503", "expect exit 0")

    def test_refuses_thirteen_statements(self):
        self.refuses("may have 12", *["publish x"] * 13)
        statements(*["publish x"] * 12)

    def test_refuses_to_name_the_fault_or_the_port(self):
        self.refuses("cannot be used here", "server --fault no_missed", "publish x")
        self.refuses("cannot be used here", "server --port 8000", "publish x")

    def test_a_mistyped_statement_is_told_what_to_write(self):
        self.refuses("'publsh' is no statement", "publsh x")
        self.refuses("write subscribe NAME", "subscribe")
        self.refuses("write 'wait COUNTER NUMBER'", "wait heldd 1")
        self.refuses("'b' has sent nothing yet", "publish x", "expect b 200")
        self.refuses("one word too many", "request a GET / two words", "expect a 200")
        self.refuses("quotation mark", 'publish "x')
        self.refuses("is no name of a connection", "subscribe Tab", "expect Tab 200")
        self.refuses("expects nothing", "subscribe a")
        self.refuses("has no statement")


if __name__ == "__main__":
    unittest.main()
