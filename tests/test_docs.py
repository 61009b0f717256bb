"""The docs say what the code says."""

import importlib.metadata
import importlib.util
import pathlib
import re
import tomllib

from tests import python_pages

ROOT = pathlib.Path(__file__).parents[1]


def test_the_list_of_public_names_is_that_of_the_code():
    spec = importlib.util.spec_from_file_location("make_api", ROOT / "docs" / "make_api.py")
    make_api = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_api)
    page = make_api.api_page()
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == page, "run: python docs/make_api.py"
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE)
    assert len(rows) > 80
    assert [name for name, text in rows if not text.strip()] == []  # everything public has a docstring


def test_links_between_pages_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "papers").glob("*.md")]
    links = [
        (page, link)
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert links
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_the_readmes_first_example_builds_and_saves_a_graph(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, code = python_pages.blocks(ROOT / "README.md")[0]
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["graph"].edge_index.shape[1] == 12  # two frames of 2 x 2, and 2 x 2 between them
    assert (tmp_path / "graph.graphml").stat().st_size > 0


def test_the_start_pages_example_writes_a_graph_and_a_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, code = python_pages.blocks(ROOT / "docs" / "index.md")[0]
    exec(compile(code, "index.md", "exec"), {})
    assert "<graphml" in (tmp_path / "graph.graphml").read_text(encoding="utf-8")
    page = (tmp_path / "graph.html").read_text(encoding="utf-8")
    assert "4 objects" in page
    assert "person" in page


def test_every_tutorial_has_a_place_in_the_list():
    found = {path.stem for path in (ROOT / "docs" / "tutorials").glob("*.py")}
    listed = re.search(
        r"^ORDER = \((.*?)^\)", (ROOT / "docs" / "gallery.py").read_text(encoding="utf-8"), re.M | re.S
    )
    assert listed is not None
    assert set(re.findall(r'"(\w+)"', listed.group(1))) == found


def test_the_readme_reads_well_where_there_is_no_checkout():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert [target for target in targets if not target.startswith("https://")] == []
    named = re.findall(r"`((?:docs/)[\w/.]+)`", text)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_version_is_stated_once_and_the_citation_agrees():
    import stgraph

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert stgraph.__version__ == importlib.metadata.version(project["name"]) == project["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {project['version']}\n" in citation
