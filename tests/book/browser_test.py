"""The rendered book in a headless browser, opened from disk. Argument: the folder with the pages."""
import html.parser
import pathlib
import sys
import unittest
import urllib.parse

try:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
    from browser import CHROMEDRIVER, browser, drain_logs
except ImportError:
    print("skipped: python3-selenium is missing; `scripts/deps test` installs it")
    sys.exit(77)

HTML = pathlib.Path(sys.argv[1]).resolve()
for needed, lacks in ((pathlib.Path(CHROMEDRIVER), "chromium-driver is missing"), (HTML / "index.html", "the book is not rendered")):
    if not needed.exists():
        print(f"skipped: {lacks}; `scripts/deps test` installs what is needed")
        sys.exit(77)
BOOK = HTML / "docs/book"
CHAPTERS = sorted(BOOK.glob("[0-9][0-9]-*.html"))
# results/index.html is a page of its own, which tests/results opens.
PAGES = [page for page in sorted(HTML.rglob("*.html")) if page != HTML / "results/index.html"]


class Links(html.parser.HTMLParser):
    """What a page links to and what can be linked to in it."""

    def __init__(self, page):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(page.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        self.links += [attributes[name] for name in ("href", "src") if attributes.get(name)]


class Book(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.driver = browser()
        cls.addClassCleanup(cls.driver.quit)

    def setUp(self):
        drain_logs(self.driver)

    def tearDown(self):
        console, requests = drain_logs(self.driver)
        self.assertEqual(console, [])
        self.assertEqual(requests, [])

    def find(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, condition, what):
        return WebDriverWait(self.driver, 120).until(lambda _: condition(), what)

    def emulate(self, command, on, off):
        self.driver.execute_cdp_cmd(f"Emulation.{command}", on)
        self.addCleanup(self.driver.execute_cdp_cmd, *off)

    def test_every_page_opens_without_errors_and_shows_its_pictures(self):
        for page in PAGES:
            with self.subTest(page=str(page.relative_to(HTML))):
                self.driver.get(page.as_uri())
                if page.name not in ("search.html", "genindex.html"):
                    self.wait(lambda: self.find("h1"), "a heading")  # index.html leads on a moment after it is there
                broken = "return [...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.src)"
                self.driver.execute_script("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
                self.wait(lambda: self.driver.execute_script("return [...document.images].every(i => i.complete)"), "pictures")
                self.assertEqual(self.driver.execute_script(broken), [])
                console, requests = drain_logs(self.driver)
                self.assertEqual(console, [])
                self.assertEqual(requests, [])

    def test_no_page_of_the_book_scrolls_sideways_on_a_phone(self):
        self.emulate("setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True},
                     ("Emulation.clearDeviceMetricsOverride", {}))
        for page in PAGES:
            with self.subTest(page=str(page.relative_to(HTML))):
                self.driver.get(page.as_uri())
                self.assertLessEqual(self.driver.execute_script("return document.documentElement.scrollWidth"), 360)

    def test_search_finds_a_word_and_leads_to_its_chapter(self):
        self.driver.get((BOOK / "README.html").as_uri())
        field = self.wait(lambda: self.find("input.sidebar-search, .sidebar-search"), "no search field")[0]
        field.send_keys("hibernate\n")
        found = self.wait(lambda: self.find("#search-results li a"), "nothing found")
        self.wait(lambda: "finished" in self.find("#search-results")[0].text, "the search does not end")
        found = [link.get_attribute("href").split("?")[0].split("#")[0] for link in self.find("#search-results li a")]
        chapters = [page.as_uri() for page in CHAPTERS if "hibernate" in page.read_text().lower()]
        self.assertTrue(found)
        for chapter in chapters:
            self.assertIn(chapter, found)

    def test_previous_and_next_lead_through_all_chapters(self):
        self.driver.get((BOOK / "README.html").as_uri())
        seen = []
        for _ in CHAPTERS:
            link = self.find(".related-pages a.next-page")[0].get_attribute("href")
            self.driver.get(link)
            seen.append(link)
        self.assertEqual(seen, [page.as_uri() for page in CHAPTERS])
        for page in reversed([BOOK / "README.html", *CHAPTERS][:-1]):
            link = self.find(".related-pages a.prev-page")[0].get_attribute("href")
            self.assertEqual(link, page.as_uri())
            self.driver.get(link)

    def test_dark_where_the_reader_has_chosen_so(self):
        lightness = ("return getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3)"
                     ".reduce((sum, part) => sum + Number(part), 0)")
        for scheme, is_right in (("dark", lambda sum: sum < 200), ("light", lambda sum: sum > 600)):
            self.emulate("setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
                         ("Emulation.setEmulatedMedia", {"features": []}))
            self.driver.get((BOOK / "README.html").as_uri())
            self.assertTrue(is_right(self.driver.execute_script(lightness)), scheme)

    def test_figures_and_listings_are_there(self):
        for page in CHAPTERS:
            text = page.read_text()
            self.driver.get(page.as_uri())
            with self.subTest(page=page.name):
                self.assertEqual(len([table for table in self.find("table") if table.find_elements(By.TAG_NAME, "td")]) >=
                                 text.count("<!-- figures "), True)
                self.assertGreaterEqual(len(self.find("div.highlight")), text.count("<!-- listing "))
                for listing in self.find("div.highlight-cpp"):
                    self.assertTrue(listing.find_elements(By.CSS_SELECTOR, "span"), "a listing without colours")

    def test_links_lead_to_files_and_headings(self):
        pages = {}
        for page in PAGES:
            for link in pages.setdefault(page, Links(page)).links:
                address = urllib.parse.urlsplit(link)
                if address.scheme or not (address.path or address.fragment):
                    continue
                target = (page.parent / urllib.parse.unquote(address.path)).resolve() if address.path else page
                self.assertTrue(target.is_file(), f"{page.relative_to(HTML)}: {link}")
                if address.fragment and target.suffix == ".html" and target in PAGES:
                    self.assertIn(urllib.parse.unquote(address.fragment), pages.setdefault(target, Links(target)).ids,
                                  f"{page.relative_to(HTML)}: {link}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
