"""The Penn Treebank tokeniser of the COCO caption tools."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from pycocoevalcap.tokenizer import ptbtokenizer

from stgraph.errors import JavaError
from stgraph.metrics.java import java_command
from stgraph.processes import start_child

__all__ = ["tokenize"]

_JAR = Path(ptbtokenizer.__file__).with_name(ptbtokenizer.STANFORD_CORENLP_3_4_1_JAR)
_PUNCTUATION = frozenset(ptbtokenizer.PUNCTUATIONS)


def tokenize(sentences: Sequence[str]) -> list[str]:
    """Lower-cases and tokenises sentences and removes punctuation like the COCO caption tools.

    Java is started once (0.2 s) for all sentences, and nothing is written to disk. Line breaks and tabs count as spaces, and
    so does ``|||``, which is METEOR's separator.

    Args:
        sentences: Any strings, including empty ones.

    Returns:
        The tokens of each sentence joined by spaces; empty if a sentence has only punctuation.

    Raises:
        JavaError: If the tokeniser failed twice.

    >>> tokenize(["A man isn't playing\\nthe guitar.", "..."])
    ["a man is n't playing the guitar", '']
    """
    if not sentences:
        return []
    text = "".join(f"{_one_line(sentence)}\n" for sentence in sentences).encode("utf-8", "replace")
    command = java_command(
        *("-XX:TieredStopAtLevel=1", "-cp", str(_JAR), "edu.stanford.nlp.process.PTBTokenizer"),
        *("-preserveLines", "-lowerCase", "-encoding", "UTF-8"),
    )
    for _ in range(2):  # repeated once if Java was killed
        try:
            status, output, errors = _run(command, text)
        except OSError as error:
            raise JavaError(f"The PTB tokeniser could not be started with {command[0]}: {error}.") from error
        lines = output.decode("utf-8").split("\n")[:-1]
        if len(lines) == len(sentences):
            return [_without_punctuation(line) for line in lines]
    words = " / ".join(errors.decode("utf-8", "replace").splitlines())[-1000:]
    raise JavaError(
        f"The PTB tokeniser returned {len(lines)} of {len(sentences)} sentences, with exit status "
        f"{status} and the message '{words}'; check memory limits and what may have killed it, then "
        "run the evaluation again."
    )


def _run(command: Sequence[str], text: bytes) -> tuple[int, bytes, bytes]:
    """Exit status and output of a program that reads ``text``."""
    pipe = subprocess.PIPE
    with start_child(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            output, errors = process.communicate(text)
        except BaseException:  # Ctrl-C
            process.kill()
            raise
    return process.returncode, output, errors


def _one_line(sentence: str) -> str:
    return " ".join(sentence.replace("|||", " ").split())


def _without_punctuation(line: str) -> str:
    return " ".join(word for word in line.split(" ") if word and word not in _PUNCTUATION)
