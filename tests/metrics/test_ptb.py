import random
import subprocess
import sys

import pytest

from stgraph.errors import JavaError
from stgraph.metrics import ptb
from stgraph.metrics.ptb import tokenize
from tests.metrics.sentences import sentence


def test_equals_pycocoevalcap(pycocoevalcap):
    rng = random.Random(0)
    sentences = [sentence(rng) for _ in range(300)] + [
        "",
        "...",
        "naïve café 中文 😀",
        "it 's  <b> gonna, cannot",
    ]
    expected = [
        group[0] for group in pycocoevalcap.tokenize({i: [one] for i, one in enumerate(sentences)}).values()
    ]
    assert tokenize(sentences) == expected


def test_one_line_a_sentence_whatever_is_in_it():
    rng = random.Random(1)
    odd = [
        *map(chr, range(0x250)),
        *map(chr, range(0x2000, 0x2070)),
        "\ud800",
        "\ufeff",
        "😀",
        "<!--",
        "U.S.",
        "|||",
    ]
    sentences = ["".join(rng.choice(odd) for _ in range(rng.randrange(20))) + " end" for _ in range(3000)]
    answers = tokenize(sentences)
    assert len(answers) == len(sentences)
    assert all("end" in answer and "|||" not in answer and "\n" not in answer for answer in answers)


def test_breaks_and_bars_are_spaces():
    plain = "a man plays a guitar"
    odd = ["a man\nplays a guitar", "a man\r\nplays\ta\u2028guitar", "a man ||| plays a|||guitar"]
    assert tokenize(odd) == [plain] * 3


def test_a_sentence_does_not_depend_on_its_neighbours():
    rng = random.Random(2)
    sentences = [sentence(rng) + rng.choice(["", " u.s.", " Mr.", " <a"]) for _ in range(300)]
    order = rng.sample(range(300), 300)
    alike = tokenize(sentences)
    assert tokenize([sentences[i] for i in order]) == [alike[i] for i in order]


def test_nothing_to_tokenise_starts_no_java(monkeypatch):
    monkeypatch.setattr(ptb, "java_command", lambda *_: pytest.fail("Java was started"))
    assert tokenize([]) == []


@pytest.mark.parametrize("failures", [1, 2])
def test_a_killed_tokeniser_gets_a_second_chance(monkeypatch, tmp_path, failures):
    program = f"""
import pathlib, sys
starts = pathlib.Path({str(tmp_path / "starts")!r})
starts.open("a").write("x")
if len(starts.read_text()) <= {failures}:
    print("one")
    sys.exit("no memory")
print(sys.stdin.read().lower(), end="")
"""
    monkeypatch.setattr(ptb, "java_command", lambda *_: [sys.executable, "-c", program])
    if failures == 1:
        assert tokenize(["one", "Two"]) == ["one", "two"]
    else:
        with pytest.raises(JavaError, match=r"returned 1 of 2 sentences, with exit status 1 .* 'no memory'"):
            tokenize(["one", "Two"])


def test_writes_no_file_and_needs_no_java_on_path():
    program = """
import os, sys
written = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        written.append(arguments[0])
from stgraph.metrics import CaptionEvaluator
os.environ["PATH"] = ""
os.environ.pop("JAVA_HOME", None)
sys.addaudithook(watch)
print(CaptionEvaluator({"a": ["A cat."]}, metrics=["BLEU-1"])({"a": "a cat"})["BLEU-1"] > 0.99, written)
"""
    done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True []"
