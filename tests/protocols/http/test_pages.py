"""What the pages are made of: libraries as they were published, few and small files, no text without a translation."""

from __future__ import annotations

import gzip
import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from protocols.http.assets import STATIC
from tests.protocols.http.words import LANGUAGES, catalogue, modules, not_literal, of_pages

FIRST = 64 << 10  #: octets of a first load, compressed
LARGEST = (
    144 << 10
)  #: octets of all that the pages are, compressed: what is for one page comes when that is opened
MOST = 48  #: modules
IMPORTED = re.compile(r'^import [^;]*?"(\.\.?/[\w./]+)"', re.MULTILINE)
PLACES = re.compile(r"\{\w+\}")


def test_libraries_are_what_was_published() -> None:
    """Version, licence and digest are on record, and every file there is."""
    told = tomllib.loads((STATIC / "vendor" / "VENDOR.toml").read_text())
    assert {path.name for path in (STATIC / "vendor").glob("*.mjs")} == set(told)
    for name, about in told.items():
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == about["sha256"], name
        assert about["licence"] in ("MIT", "Apache-2.0"), name
        assert about["package"], name
        assert about["version"], name


def test_all_of_it_is_small() -> None:
    files = [path for path in STATIC.rglob("*") if path.suffix in (".js", ".mjs", ".css", ".html", ".svg")]
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in files) <= LARGEST
    assert sum(path.suffix in (".js", ".mjs") for path in files) <= MOST


def first_load() -> set[Path]:
    """What the frame and the page of live video import."""
    needed: set[Path] = set()
    todo = [STATIC / "app" / "main.js", STATIC / "app" / "pages" / "live.js"]
    while todo:
        path = todo.pop().resolve()
        if path not in needed:
            needed.add(path)
            todo += [path.parent / name for name in IMPORTED.findall(path.read_text())]
    return needed


def test_a_first_load_is_smaller() -> None:
    """Libraries, style, and the modules."""
    needed = {STATIC / "index.html", STATIC / "app.css", *(STATIC / "vendor").glob("*.mjs"), *first_load()}
    assert STATIC / "app" / "state.js" in needed
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in needed) <= FIRST


def test_the_page_names_all_that_a_first_load_needs() -> None:
    """A module that only another one names is asked for a round trip later."""
    named = set(
        re.findall(r'rel="modulepreload" href="{{assets}}/([^"]+)"', (STATIC / "index.html").read_text())
    )
    needed = {str(path.relative_to(STATIC)) for path in (*first_load(), *(STATIC / "vendor").glob("*.mjs"))}
    assert named == needed


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.proves("M-071")
def test_every_text_of_the_pages_is_translated(language: str) -> None:
    said, wanted = catalogue(language), of_pages()
    assert wanted - said.keys() == set(), "are not translated"
    assert not {text for text in said if not said[text].strip()}
    for text in wanted:
        assert set(PLACES.findall(text)) == set(PLACES.findall(said[text])), text


@pytest.mark.proves("M-075")
def test_each_page_has_help_in_every_language() -> None:
    """The button for help leads to the topic of the page's module."""
    pages = set(re.findall(r'"(?:viewer|operator|administrator)", "(\w+)"', modules()["app/main.js"]))
    topics = {
        language: re.findall(
            r"^<!-- (\w+) -->\n# \S", (STATIC / "help" / f"{language}.md").read_text(), re.MULTILINE
        )
        for language in ("en", *LANGUAGES)
    }
    assert len(pages) > 5
    assert pages - {"help"} <= set(topics["en"])
    assert all(found == topics["en"] for found in topics.values())


def test_every_text_can_be_found() -> None:
    assert not_literal() == []


def test_nothing_comes_from_elsewhere_or_stands_inline() -> None:
    page = (STATIC / "index.html").read_text()
    assert len(re.findall(r"<script(?![^>]*\bsrc=)", page)) == 1, "the import map alone"
    assert "style=" not in page
    for name, source in modules().items():
        assert not re.search(r"https?://(?!www\.w3\.org)", source), name
        assert " style=" not in source, name
        assert "innerHTML" not in source, name
        assert "eval(" not in source, name
