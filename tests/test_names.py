"""Names that the library no longer uses, and docstrings that Sphinx and editors can parse."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]

OLD = (
    *("Captioner", "load_captioner", "ModelDescription", r"[A-Z]\w*Settings"),
    *("num_words", "max_words", "marks", "banned"),
    *("classifier", "FrameLayer", "WordLayer", "TransformerDecoder"),
    *("speak", "speaks", "own_words", "teacher_ratio"),
    *("StepMeans", "counted"),
    *("describe", "look_at"),
    *("Attended", "tidy", "likeness", "likenesses"),
)
"""Names of earlier versions, as whole words; those that are ordinary English too are looked for in code only (`IN_CODE`)."""

IN_CODE = ("prepare", "Share", "marks", "counted", "describe", "classifier")
"""Ordinary words: forbidden as the name of a function, class, method, argument, attribute or variable, not in prose."""

MODULES = (
    *(
        "pairing",
        "sharing",
        "id_names",
        "named",
        "pool",
        "rows",
        "records",
        "writing",
        "joined_streams",
        "tidying",
    ),
    *(
        "captioner",
        "video_ids",
        "path_settings",
        "run_identity",
        "configuration",
        "ablate_plan",
        "ablate_cell",
    ),
)
"""Files that have other names now."""

LEGACY = {
    "stgraph/models/legacy.py",  # translates the names in model folders of earlier versions
    "stgraph/settings/legacy.py",  # translates the names of settings in earlier runs and cells
    "docs/design.md",  # the table of what moved
}
KEPT = {
    "stgraph/extraction/extractors/motion/s3d.py": ("classifier",)
}  # the name of a part of torchvision's network
"""Files that must keep an old word, with the words: names of another library, keys of stored files."""


def python_files():
    return sorted(path for path in (ROOT / "stgraph").rglob("*.py"))


def pages():
    return [
        ROOT / "README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "docs").rglob("*.py")),
    ]


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def leftovers(path):
    """The old names in the text of a file, with their lines."""
    if name_of(path) in LEGACY:
        return []
    kept = KEPT.get(name_of(path), ())
    words = [word for word in OLD if word not in IN_CODE]
    pattern = re.compile(rf"(?<![\w]){'(?:' + '|'.join(words) + ')'}(?![\w])")
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found += [f"{name_of(path)}:{number}: {word}" for word in pattern.findall(line) if word not in kept]
    return found


def identifiers(tree):
    """Every name that a module defines or uses, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.Name():
                yield node.lineno, node.id
            case ast.Attribute():
                yield node.lineno, node.attr
            case ast.arg() | ast.keyword():
                if node.arg:
                    yield node.lineno, node.arg


def code_leftovers(path):
    if name_of(path) in LEGACY:
        return []
    kept = KEPT.get(name_of(path), ())
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = set(IN_CODE) - set(kept)
    return [f"{name_of(path)}:{line}: {name}" for line, name in identifiers(tree) if name in words]


def sections_on_one_line(path):
    """Docstrings with text on the line of ``Args:``, ``Raises:`` or the like, which napoleon does not parse."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            for line in text.splitlines():
                if re.match(r"\s*(Args|Raises|Returns|Yields|Attributes): *\S", line):
                    found.append(f"{name_of(path)}:{getattr(node, 'lineno', 1)}: {line.strip()}")
    return found


def several_errors_in_one_entry(path):
    """``Raises:`` entries that go on with a second error on the same line."""
    found = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            _, _, raises = text.partition("Raises:\n")
            for line in raises.splitlines():
                if line and not line.startswith(" "):
                    break
                if re.match(r"\s+\w+Error: .*\. \w+Error: ", line) or re.match(
                    r"\s+\w+Error, \w+Error: ", line
                ):
                    found.append(f"{name_of(path)}:{getattr(node, 'lineno', 1)}: {line.strip()}")
    return found


@pytest.mark.parametrize(
    ("files", "check"),
    [
        (python_files, leftovers),
        (pages, leftovers),
        (python_files, code_leftovers),
        (python_files, sections_on_one_line),
        (python_files, several_errors_in_one_entry),
    ],
)
def test_nothing_of_the_old_style_is_left(files, check):
    paths = files()
    assert len(paths) > 10
    assert [line for path in paths for line in check(path)] == []


def test_no_module_has_its_old_name():
    assert [name_of(path) for path in python_files() if path.stem in MODULES] == []
