"""The commands of a chapter: which are run, and what is said about one that fails."""
import os
import subprocess
import time

import project


class Commands(project.Project):
    def run_chapter(self, text, path=None):
        chapter = self.chapter(text)
        self.file("bin/keep", "")
        done = subprocess.run(["/usr/bin/python3", project.SCRIPTS / "try-commands", "--root", self.root, "1"],
                              capture_output=True, text=True, env={**os.environ, **({"PATH": path} if path else {})})
        return done.returncode, done.stderr.replace(f"{chapter}:", ""), done.stdout

    def test_the_block_below_a_mark_runs_in_the_projects_folder(self):
        status, said, _ = self.run_chapter("<!-- run -->\n\n```sh\nA=1\necho $A > made\n```\n\n```sh\nfalse\n```\n")
        self.assertEqual((status, said, (self.root / "made").read_text()), (0, "", "1\n"))

    def test_commands_in_the_mark_run_instead(self):
        status, said, _ = self.run_chapter("<!-- run: A=2\necho $A > made -->\n```sh\nfalse\n```\n")
        self.assertEqual((status, said, (self.root / "made").read_text()), (0, "", "2\n"))

    def test_a_command_that_fails_is_named_with_its_line_and_what_it_said(self):
        status, said, _ = self.run_chapter("a\n\n<!-- run -->\n```sh\necho because\nfalse\ntrue\n```\n")
        self.assertEqual((status, said), (1, "3: status 1 of: echo because\nfalse\ntrue\nbecause\n\n"))

    def test_a_program_in_the_background_lives_to_the_end_of_the_chapter_and_no_longer(self):
        status, said, _ = self.run_chapter("<!-- run -->\n```sh\nsleep 600 & echo $! > pid\n```\n"
                                           "<!-- run -->\n```sh\nkill -0 $(cat pid)\n```\n")
        self.assertEqual((status, said), (0, ""))
        process = (self.root / "pid").read_text().strip()
        give_up = time.monotonic() + 10  # a killed process has ended a moment later
        while self.state(process) not in ("", "Z"):
            self.assertLess(time.monotonic(), give_up, "it still runs")
            time.sleep(0.01)

    def state(self, process):
        return subprocess.run(["ps", "-o", "stat=", "-p", process], capture_output=True, text=True).stdout.strip()[:1]

    def test_a_command_whose_package_is_missing_is_skipped_and_says_what_to_install(self):
        for name in ("bash", "true"):
            os.makedirs(self.root / "path", exist_ok=True)
            os.symlink(f"/bin/{name}", self.root / "path" / name)
        status, said, told = self.run_chapter("<!-- run -->\n```sh\nstrace true\n```\n", path=str(self.root / "path"))
        self.assertEqual((status, said), (77, ""))
        self.assertIn("skipped, install strace", told)

    def test_a_command_that_is_misspelt_fails(self):
        self.assertEqual(self.run_chapter("<!-- run -->\n```sh\nno-such-command\n```\n")[0], 1)

    def test_a_mark_without_a_block(self):
        self.assertIn("1: no block of commands follows this mark", self.run_chapter("<!-- run -->\n\ntext\n")[1])

    def test_a_chapter_that_is_not_there(self):
        done = self.script("try-commands", "9")
        self.assertEqual((done.returncode, done.stderr), (1, "no chapter 9: there is no docs/book/09-*.md\n"))


if __name__ == "__main__":
    project.main()
