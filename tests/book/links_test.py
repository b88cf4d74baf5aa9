"""Links: those that lead nowhere are found, and those of the rendered book lead to what they named."""
import pathlib
import sys
import tempfile

import project

sys.path.insert(0, str(project.SCRIPTS))
sys.dont_write_bytecode = True

from results import Results  # noqa: E402
from stage import Stage  # noqa: E402


class Dead(project.Project):
    def test_a_file_a_heading_and_the_form_of_an_address(self):
        self.file("docs/there.md", "# A heading: `x`\n\n## Twice\n\n## Twice\n")
        for link in ("../there.md", "../there.md#a-heading-x", "../there.md#twice-1", "#own", "../", "https://example.org/a_(b)?c#d"):
            self.assertEqual(self.weave(f"# Own\n\n[x]({link})\n"), f"# Own\n\n[x]({link})\n")
            done = self.script("weave", "--check")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        for link, said in (("../gone.md", "no such file"), ("../there.md#gone", "no such heading"), ("#gone", "no such heading"),
                           ("https://", "not the form"), ("http//example.org/", "no such file"),
                           ("../../../../outside.md", "no such file")):
            self.assertRegex(self.problem(f"# Own\n\n\n[x]({link})\n", "--check"), f"^4: .*{said}")

    def test_pictures_and_pictures_that_are_links(self):
        self.file("docs/book/pictures/a.svg", "<svg/>")
        self.assertIn("b.svg: there is no such file", self.problem("[![x](pictures/b.svg)](pictures/a.svg)\n", "--check"))
        self.assertIn("b.svg: there is no such file", self.problem("[![x](pictures/a.svg)](pictures/b.svg)\n", "--check"))

    def test_code_has_no_links(self):
        self.chapter("`[x](gone)` and\n\n```cpp\nauto f = [a](b) {};\n```\n\n    [x](gone)\n")
        self.assertEqual(self.script("weave", "--check").stderr, "")


class Staged(project.Project):
    def stage(self, text):
        self.file("docs/book/README.md", "# Book\n")
        self.chapter(text)
        out = tempfile.TemporaryDirectory()
        self.addCleanup(out.cleanup)
        Stage(self.root, out.name, Results(self.root / "results/reference"), self.root / "build/measure").write()
        self.out = pathlib.Path(out.name)
        return (self.out / "source/docs/book/01-test.md").read_text()

    def test_a_link_to_a_page_stays_and_the_page_is_there(self):
        self.file("docs/there.md", "# There\n\n[on](../README.md)\n")
        self.file("README.md", "# Front\n")
        self.assertIn("](../there.md#there)", self.stage("[x](../there.md#there)\n"))
        self.assertTrue((self.out / "source/README.md").exists())
        self.assertIn("\n/docs/book/01-test\n", (self.out / "source/docs/book/README.md").read_text())

    def test_a_link_to_a_source_file_leads_to_a_page_that_shows_it(self):
        self.file("src/a.cpp", "int a;\n")
        self.assertIn("](../../src/a.cpp.md)", self.stage("[x](../../src/a.cpp)\n"))
        self.assertIn("\nint a;\n", (self.out / "source/src/a.cpp.md").read_text())

    def test_a_link_to_a_folder_leads_to_its_readme_or_to_a_list(self):
        self.file("src/README.md", "# Sources\n")
        self.file("more/a.cpp", "int a;\n")
        self.assertIn("[x](../../src/README.md) [y](../../more/README.md)", self.stage("[x](../../src/) [y](../../more)\n"))
        self.assertIn("`a.cpp`", (self.out / "source/more/README.md").read_text())

    def test_a_picture_and_a_web_page_are_copied(self):
        self.file("docs/book/pictures/a.svg", "<svg/>")
        self.file("results/index.html", "page")
        self.assertIn("[![x](pictures/a.svg)](raw:pictures/a.svg) [y](raw:../../results/index.html#z)",
                      self.stage("[![x](pictures/a.svg)](pictures/a.svg) [y](../../results/index.html#z)\n"))
        for copy in ("source/docs/book/pictures/a.svg", "raw/docs/book/pictures/a.svg", "raw/results/index.html"):
            self.assertTrue((self.out / copy).exists(), copy)

    def test_the_readers_own_figures_stand_below_those_of_the_reference(self):
        self.measured("async", [(20.5, 500, 0)], folder="build/measure/01")
        self.measured("threaded", [(40.5, 500, 0)], folder="build/measure/02")  # another chapter's
        text = self.stage("<!-- figures broadcast-4000: server_cpu_us; async, threaded -->\n<!-- end -->\n")
        self.assertIn("| async | 10 (9..11) |\n| async, **yours** | 20.5 |\n| threaded | 30 (29..35) |\n\n", text)
        self.assertNotIn("yours", (self.root / "docs/book/01-test.md").read_text())


if __name__ == "__main__":
    project.main()
