"""Checks a built site: python docs/check_site.py FOLDER.

Sphinx itself fails on links to pages and names that don't exist; this finds dead anchors and names without an entry.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reference_pages import home_of
from sphinx.util.inventory import InventoryFile

MATHJAX = "https://cdn.jsdelivr.net/npm/mathjax@"  # Sphinx's own choice; formulas are readable TeX without it


class Page(HTMLParser):
    """Anchors of a page, and what it links to or loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("img", "script", "source") and "src" in given:
            self.loads.append(given["src"])
        elif tag == "link" and given.get("rel") in ("stylesheet", "icon"):
            self.loads.append(given["href"])


def dead_links(site: Path) -> list[str]:
    """Links and loaded files within the site that lead nowhere, and files that are loaded from other hosts."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        for link in [*page.links, *page.loads]:
            parts = urlsplit(link)
            where = f"{path.relative_to(site)}: {link}"
            if parts.scheme or parts.netloc:
                if link in page.loads and parts.scheme != "data" and not link.startswith(MATHJAX):
                    found.append(f"{where} is loaded from another host")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.exists():
                found.append(f"{where} does not exist")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                found.append(f"{where} has no such anchor")
    return found


def missing_names(site: Path) -> list[str]:
    """Public names that the reference does not describe."""
    with (site / "objects.inv").open("rb") as stream:
        inventory = InventoryFile.load(stream, "", lambda base, path: path)
    known = {name for kind, entries in inventory.items() if kind.startswith("py:") for name in entries}
    wanted = {f"{home}.{name}" for (_, name), home in home_of().items()}
    return sorted(f"{name} is not in the reference" for name in wanted - known)


def main(folder: str) -> int:
    site = Path(folder).resolve()
    problems = [*missing_names(site), *dead_links(site)]
    for problem in problems:
        print(problem)
    pages = len(list(site.rglob("*.html")))
    print(f"{pages} pages, {len(set(home_of().values()))} packages, {len(problems)} problems")
    return 1 if problems or not pages else 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
