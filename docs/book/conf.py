# Sphinx's settings for the book. `make book` calls it; scripts/book/ prepares what it reads.
project = "comet-patterns"
html_title = "comet-patterns: the book"
root_doc = "docs/book/README"

extensions = ["myst_parser"]
myst_heading_anchors = 4
myst_url_schemes = ("http", "https", "mailto", "raw")
smartquotes = False  # an option's two dashes stay two
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_copy_source = False
html_use_index = False
html_show_sphinx = False
html_show_copyright = False
html_show_search_summary = False  # it would be fetched, which a browser refuses for pages on a disk
pygments_style = "friendly"
pygments_dark_style = "monokai"


def link_to_files(app, doctree, page):
    """scripts/book/stage.py marks links to pictures and web pages, which Sphinx would take for missing pages."""
    for node in doctree.findall(lambda node: str(getattr(node, "get", lambda _: "")("refuri")).startswith("raw:")):
        node["refuri"] = node["refuri"].removeprefix("raw:")


def setup(app):
    app.connect("doctree-resolved", link_to_files)
    return {"parallel_read_safe": True}
