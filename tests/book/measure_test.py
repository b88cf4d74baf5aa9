"""`make measure`: what it runs, and the reader's figures beside the reference's. The load generator is a stub."""
import json
import os

import project

STUB = """#!/bin/sh
[ "$1" = bench ] || exit 9
echo "$@" >> said
while [ "$1" != --out ]; do shift; done
mkdir -p "$2/2000-05-01T000000Z"
cp own/* "$2/2000-05-01T000000Z/"
"""
CHAPTER = """# Test

<!-- measure: --entries async,threaded --held 4000 -->
<!-- figures broadcast-4000: server_cpu_us, app_bytes; async, threaded, prefork -->
<!-- end -->

x <!-- claim broadcast-4000 server_cpu_us: threaded / async in 2..4 -->
y <!-- claim broadcast-4000 app_bytes: threaded in 5000..7000 -->
z <!-- claim broadcast-4000 app_bytes: async < prefork -->
"""


class Measure(project.Project):
    def setUp(self):
        super().setUp()
        os.chmod(self.file("build/release/bin/comet-loadgen", STUB), 0o755)
        for entry, cpu, size in (("async", 20.5, 400), ("threaded", 61.0, 9000)):
            self.file(f"own/broadcast-{entry}-4000.json", json.dumps(project.result("broadcast", entry, [(cpu, size, 0)])))

    def test_runs_the_marks_experiments_into_a_folder_of_the_chapter(self):
        self.chapter(CHAPTER)
        self.assertEqual(self.script("measure", "1").returncode, 0)
        self.assertEqual((self.root / "said").read_text(),
                         f"bench --entries async,threaded --held 4000 --out {self.root}/build/measure/01\n")

    def test_prints_both_figures_what_to_make_of_them_and_which_claims_hold(self):
        self.chapter(CHAPTER)
        text = self.script("measure", "1").stdout
        self.assertRegex(text, r"async +10 \(9\.\.11\) +20\.5 +2\.05\n")
        self.assertRegex(text, r"threaded +6,000 \(5,990\.\.6,010\) +9,000 +1\.50\n")
        self.assertNotIn("  prefork ", text)
        self.assertIn("Speed: this machine takes 2.03 to 2.05 times as long, in half of the rows more than 2.04.", text)
        self.assertIn("Memory: 1.00 to 1.50 times the reference's.", text)
        self.assertIn("01-test.md:7: holds here too: broadcast-4000 server_cpu_us: threaded / async in 2..4", text)
        self.assertIn("01-test.md:8: not here: threaded in 5000..7000 does not hold", text)
        self.assertNotIn("01-test.md:9", text)

    def test_leaves_the_chapter_as_it_is(self):
        chapter = self.chapter(CHAPTER)
        self.script("measure", "1")
        self.assertEqual(chapter.read_text(), CHAPTER)

    def test_a_run_that_fails_says_what_the_load_generator_said(self):
        self.file("build/release/bin/comet-loadgen", "#!/bin/sh\necho no entry\nexit 1\n")
        self.chapter(CHAPTER)
        done = self.script("measure", "1")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "measure: the load generator ended with 1; it said: no entry\n\n"))

    def test_chapters_that_cannot_be_measured(self):
        self.chapter("# Test\n")
        self.assertIn("01-test.md has no experiment", self.script("measure", "1").stderr)
        self.assertIn("no chapter 4", self.script("measure", "4").stderr)


if __name__ == "__main__":
    project.main()
