"""What messages advise exists: commands, options, settings and arguments named in the strings of the whole package."""

import ast
import functools
import inspect
import pathlib
import re
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import yaml
from torch_geometric.transforms import ToUndirected

from stgraph import errors
from stgraph.cli import main
from stgraph.commands.arguments import COMMANDS, completions, options_of, parser_of
from stgraph.datasets import CaptionDataModule, open_dataset
from stgraph.decoding import Greedy
from stgraph.errors import DataError, OptionError
from stgraph.features import FeatureStoreWriter
from stgraph.models import STGraphCaptioner
from stgraph.settings.choices import choices_of
from stgraph.settings.compose import compose
from stgraph.settings.training import open_data
from tests.extraction.files import folder_of_videos
from tests.features.store.samples import random_video, write
from tests.fuzz.target import REMEDY

PACKAGE = pathlib.Path(__file__).parents[1] / "stgraph"
OTHER_TOOLS = {"--force-reinstall", "--no-deps", "--upgrade"}  # of pip, in commands that messages print whole
SETTING = re.compile(r"(?<![\w.'\"&?-])([a-z_]\w*(?:\.[a-z_]\w*)*)=(?!=)([\w\[({'\"/<]*)")
NAMED = re.compile(r"\b(?:pass|set|lower|raise|change|correct|give|use|choose) (?:\w+ ){0,4}'([a-z_]+)'")
COMMAND = re.compile(r"(?:['`]|Next: |run: |run )stgraph ([a-z]+)(?: ([a-z]+)\b)?")
ELSEWHERE = {
    "reduce": ToUndirected,
    "attention": Greedy.decode,
    "validation_captions": CaptionDataModule._assemble,
    "label_names": FeatureStoreWriter,
}
"""Arguments that messages of one module name of a function in another one."""
MAPPINGS = {"data.dataset.captions", "data.dataset.splits"}
"""Settings that may be mappings from split to file, whose keys no configuration lists."""
NO_MESSAGES = {"completion.py", "text_writers.py"}
"""Modules whose strings are shell scripts and XML."""
NO_ARGUMENTS = {"key", "with", "test", "greedy", "video_id", "kpt_shape"}
"""What messages name that is neither a setting nor an argument: keywords, values, and attributes of graphs and models."""
OTHER_MEANING = {"attention"}
"""Arguments that share their name with a setting of a group but have none themselves; ``caption`` has ``--attention``."""


class Text:
    """A string of the package, with ``{}`` for what is filled in, and the names that its module knows."""

    def __init__(self, path, line, text, names):
        self.path, self.line, self.text, self.names = path, line, text, names

    def __repr__(self):
        return f"{self.path.relative_to(PACKAGE.parent)}:{self.line}"


def _name(function):
    return function.id if isinstance(function, ast.Name) else None


@functools.cache
def texts():
    """Every string of the package but docstrings, comments and the axes of tensors."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = list(ast.walk(tree))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        calls = [node for node in nodes if isinstance(node, ast.Call)]
        axes = {id(each.value) for call in calls if _name(call.func) == "axes" for each in call.keywords}
        pieces = axes | {
            id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values
        }
        names = {node.arg for node in nodes if isinstance(node, ast.arg)}
        names |= {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}
        names |= {
            node.target.id
            for node in nodes
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        for node in nodes:
            if id(node) in docstrings or id(node) in pieces:
                continue
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
                found.append(Text(path, node.lineno, "".join(map(str, parts)), names))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(Text(path, node.lineno, node.value, names))
    return [text for text in found if " " in text.text.strip() and text.path.name not in NO_MESSAGES]


@functools.cache
def settings():
    """Every setting of the configurations: ``seed``, ``data`` (a group), ``data.dataset.store``, ``trainer.max_epochs``."""
    found = set()

    def add(prefix, content):
        for key, value in content.items():
            if isinstance(key, str) and key != "defaults":
                name = f"{prefix}{key}"
                found.add(name)
                if isinstance(value, dict):
                    add(f"{name}.", value)

    for path in (PACKAGE / "configs").rglob("*.yaml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        group = path.parent.name
        is_root = group == "configs" or "@package _global_" in path.read_text(encoding="utf-8")
        add("" if is_root else f"{group}.", content)
        if group != "configs":
            found.add(group)
    return found


@functools.cache
def options():
    every = {option for command in COMMANDS for option in options_of(command)}
    actions = next(action for action in parser_of("store")._actions if action.dest == "action")
    return every | {option for parser in actions.choices.values() for option in parser._option_string_actions}


def shown_by(pattern):
    return [(text, match) for text in texts() for match in pattern.finditer(text.text)]


def test_the_search_finds_what_messages_advise():
    assert len(texts()) > 500
    assert {
        "seed",
        "data",
        "data.dataset.common",
        "trainer.max_epochs",
        "appearance.weights",
        "run",
    } <= settings()
    found = {match[0].strip() for _, match in shown_by(SETTING)}
    assert {
        "resume=true",
        "trainer.accelerator=cpu",
        "data.dataset.common=true",
        "appearance.weights=random",
    } <= found
    assert len(shown_by(COMMAND)) > 20
    assert len(shown_by(NAMED)) > 5


def test_every_option_exists():
    wrong = [
        (text, match[0])
        for text, match in shown_by(re.compile(r"(?<![\w-])--[a-z][a-z-]+"))
        if match[0] not in options() | OTHER_TOOLS
    ]
    assert wrong == []


def test_every_command_exists():
    wrong = [
        (text, match[0])
        for text, match in shown_by(COMMAND)
        if match[1] not in COMMANDS
        or (match[1] == "store" and match[2] and match[2] not in completions("store"))
    ]
    assert wrong == []


def test_every_setting_and_argument_exists():
    """``key=value`` is a setting, or an argument of a function in the module that says so."""
    wrong = [
        (text, match[0])
        for text, match in shown_by(SETTING)
        if match[1] not in settings() | text.names | ELSEWHERE.keys() | NO_ARGUMENTS
        and match[1].rpartition(".")[0] not in MAPPINGS
    ]
    assert wrong == []


def test_every_choice_of_a_group_exists():
    wrong = [
        (text, match[0])
        for text, match in shown_by(SETTING)
        if re.fullmatch(r"[a-z_0-9]+", match[2])
        and (choices := choices_of(match[1]) if "." not in match[1] else ())
        and match[2] not in {*choices, *choices_of(match[1], "extract"), "null", "none"}
    ]
    assert wrong == []


def test_every_quoted_argument_exists():
    known = {name.rpartition(".")[2] for name in settings()}
    wrong = [
        (text, match[0])
        for text, match in shown_by(NAMED)
        if match[1] not in known | text.names | ELSEWHERE.keys() | NO_ARGUMENTS
    ]
    assert wrong == []


def test_an_argument_that_is_a_setting_of_a_group_is_named_with_its_group():
    """A user of a command can't pass ``common=True``: its setting is ``data.dataset.common``."""
    leaves = {}
    for name in settings():
        if "." in name:
            leaves.setdefault(name.rpartition(".")[2], set()).add(name)
    wrong = [
        (text, match[0])
        for text, match in shown_by(SETTING)
        if match[1] in leaves
        and match[1] not in settings()
        and not any(f"{name}=" in text.text or f"'{name}'" in text.text for name in leaves[match[1]])
        and f"--{match[1]}" not in text.text
        and not match[2].startswith("{")  # an actual value, not advice
        and match[1] not in OTHER_MEANING
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ELSEWHERE)
def test_arguments_of_other_modules_exist(name):
    assert name in inspect.signature(ELSEWHERE[name]).parameters


# What the commonest messages advise is done, word for word, and works.


def advised(pattern, text):
    """The part of a message that a user would type."""
    found = re.search(pattern, text)
    assert found, f"no {pattern} in: {text}"
    return found[1]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    return folder_of_videos(tmp_path_factory.mktemp("remedies") / "videos", 2)


def test_weights_that_cannot_be_downloaded(videos, tmp_path, monkeypatch, capsys):
    def fail(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    call = [
        "extract",
        str(videos),
        str(tmp_path / "s.h5"),
        "appearance=resnet18",
        "motion=none",
        "objects=none",
    ]
    assert main([*call, "frames.number=1"]) == 1
    remedy = advised(r"as in .* ([\w.]+=random)", capsys.readouterr().err)
    assert main([*call, "frames.number=1", remedy]) == 0


def test_features_beyond_float16(videos, tmp_path, capsys):
    name = "tests.extraction.small.MeanColour"
    call = ["extract", str(videos), str(tmp_path / "s.h5"), "appearance=own", f"appearance.name={name}"]
    call += ["motion=none", "objects=none", "+appearance.scale=1e4"]
    assert main(call) == 1
    remedy = advised(r"'stgraph extract' takes ([\w.]+=\w+)", capsys.readouterr().err)
    assert main([*call, remedy]) == 0


def test_imported_features_beyond_float16_and_incomplete_ones(tmp_path, capsys):
    for name, video in (("f", "a"), ("f", "b"), ("m", "a")):
        (tmp_path / name).mkdir(exist_ok=True)
        np.save(tmp_path / name / f"{video}.npy", np.full((1, 2), 1e6))
    call = [
        "store",
        "import",
        str(tmp_path),
        str(tmp_path / "s.h5"),
        "--layout",
        "npy",
        "--appearance",
        "f",
        "--motion",
        "m",
    ]
    assert main(call) == 1
    call.append(advised(r"pass (--common) to leave", capsys.readouterr().err))
    assert main(call) == 1
    call += advised(r"'stgraph store import' (--dtype float32)", capsys.readouterr().err).split()
    assert main(call) == 0
    assert main(call) == 1
    assert main([*call, advised(r"add (--append) to import", capsys.readouterr().err)]) == 0


@pytest.mark.parametrize(
    "lines",
    [
        "id,caption,split\nv0,a dog,train\nv9,a cat,train\n",  # captions without features
        "id,caption\nv0,a dog\nv1,a cat\n",  # captions without a split
    ],
)
def test_ids_that_do_not_match(tmp_path, lines):
    store = write(tmp_path / "s.h5", [random_video(seed, name=f"v{seed}") for seed in range(2)])
    (tmp_path / "c.csv").write_text(lines)
    (tmp_path / "s.json").write_text('{"train": ["v0"]}')
    where = {"store": str(store), "captions": str(tmp_path / "c.csv")}
    if "split" not in lines:
        where["splits"] = str(tmp_path / "s.json")
    settings = ["data=folder", *(f"data.dataset.{key}={value}" for key, value in where.items())]
    with pytest.raises(DataError) as caught:
        open_data(compose("train", settings).data)
    remedy = advised(r"(data\.dataset\.common=true)", str(caught.value))
    with pytest.warns(UserWarning, match="Left out"):
        assert open_data(compose("train", [*settings, remedy]).data).corpus.ids() == ["v0"]
    name, value = advised(r"(common=True)", str(caught.value)).split("=")
    with pytest.warns(UserWarning, match="Left out"):
        assert open_dataset("folder", **where, **{name: value == "True"}).corpus.ids() == ["v0"]


def test_captions_of_msrvtt_without_splits(tmp_path):
    store = write(tmp_path / "s.h5", [random_video(0, name="video0")])
    (tmp_path / "c.json").write_text('{"video0": ["a dog"]}')
    settings = ["data=msrvtt", f"data.dataset.store={store}"]
    with pytest.raises(DataError) as caught:
        open_data(compose("train", [*settings, f"data.dataset.captions={tmp_path / 'c.json'}"]).data)
    first, second = re.findall(r"data\.[\w.]+=\w+", str(caught.value))
    assert first.endswith("=FILE")
    ways = (
        [first.replace("FILE", str(tmp_path / "c.json"))],
        [second, f"data.dataset.captions={tmp_path / 'c.json'}"],
    )
    for way in ways:
        with pytest.warns(UserWarning, match="not the published one"):
            assert open_data(compose("train", [*settings, *way]).data).corpus.ids() == ["video0"]


def test_a_branch_without_its_stream():
    sizes = SimpleNamespace(widths={"appearance": 4}, vocab_size=10, max_length=5, categories=())
    with pytest.raises(OptionError) as caught:
        STGraphCaptioner.arguments_for(sizes)
    remedy = advised(r"(model\.branches=\[\w+\])", str(caught.value))
    assert compose("train", [remedy]).model.branches == ["scene"]
    STGraphCaptioner.arguments_for(sizes, branches=["scene"])


def raised_texts():
    """Messages of all errors that are raised, whose ends are written where they are raised."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
                continue
            if getattr(node.exc.func, "id", "") not in errors.__all__:
                continue
            message = node.exc.args[0]
            parts = message.values if isinstance(message, ast.JoinedStr) else [message]
            text = "".join(
                part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "{}"
                for part in parts
            )
            # What is filled in at the end is the rest of the message, with its remedy.
            if not text.rstrip(".").endswith("{}") and "hint" not in ast.unparse(message):
                yield f"{path.relative_to(PACKAGE.parent)}:{node.lineno}", text


def test_every_error_says_what_to_do():
    found = dict(raised_texts())
    assert len(found) > 500
    asks = re.compile(r"^(Name|Say) |\b(add|set|With) ")
    lacking = {place: text for place, text in found.items() if not (REMEDY.search(text) or asks.search(text))}
    assert lacking == {}
