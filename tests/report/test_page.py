"""The page in a browser: no error, no sideways scroll, every plot there, readable in both schemes."""

import re
from itertools import pairwise

import pytest

from fasttrig.report.html.index import index_html
from tests.report.browser import open_page


@pytest.fixture(scope="session")
def folder(built, tmp_path_factory):
    design, _, report, files = built
    target = tmp_path_factory.mktemp("build") / design.graph.name / "report"
    target.mkdir(parents=True)
    for name, text in files.items():
        (target / name).write_text(text, encoding="utf-8")
    (target / "report.json").write_text(report.model_dump_json())
    return target


def luminance(colour: str) -> float:
    """WCAG's relative luminance of ``rgb(r, g, b)``."""
    parts = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_the_page_in_chromium(driver, folder, width, dark, tmp_path):
    page = open_page(driver, folder / "report.html", width, dark)
    assert page.log() == []
    assert not page.scrolls_sideways
    plots = page.plots()
    assert len(plots) == len(list(folder.glob("*.svg")))
    assert all(plot["width"] > 200 and plot["height"] > 150 and plot["drawn"] and plot["named"] for plot in plots)
    ground = page.run("return getComputedStyle(document.body).backgroundColor")
    assert (luminance(ground) < 0.1) == dark
    assert all(contrast(plot["fill"], ground) > 7 for plot in plots)
    page.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 50_000


def test_tables_at_400_pixels_show_that_they_scroll(driver, folder):
    """A shade at the edge that more lies behind: it stays at the edge while the cover over it scrolls away."""
    page = open_page(driver, folder / "report.html", 400, False)
    attachments = page.run("""
        return [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1)
                 .map(e => getComputedStyle(e).backgroundAttachment)""")
    assert len(attachments) > 3 and set(attachments) == {"local, local, scroll, scroll"}


def test_headings_tables_and_links_are_sound(driver, folder):
    page = open_page(driver, folder / "report.html", 1400, False)
    levels = page.run("return [...document.querySelectorAll('h1, h2, h3')].map(h => +h.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.run("return [...document.querySelectorAll('table')].every(t => t.querySelector('th[scope]'))")
    ids = page.run("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    targets = page.run("return [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert {target[1:] for target in targets if target.startswith("#")} - set(ids) == set() and len(targets) > 10
    missing = page.run("""
        const used = [...document.documentElement.outerHTML.matchAll(/url\\(#([^)]+)\\)|xlink:href="#([^"]+)"/g)]
        return used.map(m => m[1] || m[2]).filter(id => !document.getElementById(id))""")
    assert missing == []


def test_the_page_needs_nothing_from_outside(driver, folder):
    text = (folder / "report.html").read_text()
    assert "<script" not in text and "@import" not in text
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", text)
    assert {link for link in links if not link.startswith("#")} <= {"data:,", "report.json"}
    open_page(driver, folder / "report.html", 1400, False)
    assert driver.execute_script("return performance.getEntriesByType('resource').map(r => r.name)") in ([], ["data:,"])


def test_the_index_in_chromium(driver, folder):
    out = folder.parent.parent
    (out / "index.html").write_text(index_html(out), encoding="utf-8")
    for width in (1400, 400):
        page = open_page(driver, out / "index.html", width, False)
        assert page.log() == [] and not page.scrolls_sideways
        links = page.run("return [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
        assert links and all((out / link).is_file() for link in links)


def test_every_plot_stands_alone(driver, folder):
    """A file of its own brings its colours, for a light and for a dark ground."""
    for path in sorted(folder.glob("*.svg"))[:3]:
        for dark in (False, True):
            page = open_page(driver, path, 700, dark)
            assert page.log() == []
            assert page.run("return document.documentElement.getBBox().width > 100")
            fill = page.run("return getComputedStyle(document.querySelector('text')).fill")
            assert contrast(fill, "rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)") > 7
