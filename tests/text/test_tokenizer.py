import json
import pickle

import pytest
import torch
from tokenizers import Tokenizer

from stgraph.errors import DataError, MissingDataError, ModelFolderError, OptionError, ShapeError
from stgraph.text import CaptionTokenizer, SpecialTokens

CAPTIONS = ["A dog chases a cat.", "a dog runs", "The dog sleeps!"]


@pytest.fixture
def tokenizer():
    return CaptionTokenizer.from_captions(CAPTIONS)


def test_numbers_of_words(tokenizer):
    words = ["<pad>", "<bos>", "<eos>", "<unk>", "a", "dog", "cat", "chases", "runs", "sleeps", "the"]
    assert tokenizer.words == tuple(words)
    assert len(tokenizer) == tokenizer.vocab_size == 11
    assert tokenizer.encode(["the cat barks", "A dog"]).tolist() == [[1, 10, 6, 3, 2], [1, 4, 5, 2, 0]]
    assert tokenizer.encode(CAPTIONS).dtype == torch.int64


def test_marks_are_what_decoding_must_know(tokenizer):
    assert tokenizer.special_tokens == SpecialTokens(pad=0, bos=1, eos=2, unk=3)


def test_rare_words_are_unknown():
    tokenizer = CaptionTokenizer.from_captions(CAPTIONS, min_count=2)
    assert tokenizer.words[4:] == ("a", "dog")
    assert tokenizer.encode(["a cat"]).tolist() == [[1, 4, 3, 2]]


def test_long_captions_are_cut_and_keep_their_end():
    tokenizer = CaptionTokenizer.from_captions(["a b c d e f", "f g"], max_length=3)
    assert tokenizer.words[4:] == ("a", "b", "c", "f", "g")  # "d" and "e" are never seen
    assert tokenizer.decode(tokenizer.encode(["a b c f", "g a"])) == ["a b c", "g a"]
    assert tokenizer.encode(["a b c f"]).tolist()[0][-1] == 2


def test_strange_captions_are_survived(tokenizer):
    strange = ["dog " * 10_000, 'a "dog"\nruns\r\n', "a" * 100_000, "<eos> dog <pad> <bos>", "dog\u0000cat"]
    ids = tokenizer.encode(strange)
    assert ids.shape == (5, 22)
    assert tokenizer.decode(ids) == [" ".join(["dog"] * 20), "a dog runs", "", "dog", "dog cat"]
    assert ids[3].tolist()[:6] == [1, 3, 5, 3, 3, 2]  # the text's own "<eos>" ends nothing


@pytest.mark.parametrize("caption", ["", " \n", "...", "'"])
def test_caption_without_words(tokenizer, caption):
    with pytest.raises(DataError, match="Caption 1 has no word left"):
        tokenizer.encode(["a dog", caption])
    with pytest.raises(DataError, match="Caption 1 has no word left"):
        CaptionTokenizer.from_captions(["a dog", caption])


def test_a_text_is_no_list(tokenizer):
    with pytest.raises(OptionError, match="must be a sequence of strings, got 'a dog'"):
        tokenizer.encode("a dog")


def test_no_captions(tokenizer):
    assert tokenizer.encode([]).shape == (0, 2)
    assert tokenizer.decode(torch.zeros(0, 5, dtype=torch.long)) == []


def test_decoding_stops_at_the_first_end_and_drops_what_is_no_word(tokenizer):
    ids = torch.tensor([[1, 4, 3, 5, 2, 6, 2], [4, 0, 5, 1, 6, 7, 8], [2, 4, 4, 4, 4, 4, 4]])
    assert tokenizer.decode(ids) == ["a dog", "a dog cat chases runs", ""]


@pytest.mark.parametrize("number", [-1, 11])
def test_numbers_of_another_vocabulary(tokenizer, number):
    with pytest.raises(DataError, match="'ids' must lie in 0..10"):
        tokenizer.decode(torch.tensor([[4, number]]))


def test_one_row_is_no_batch(tokenizer):
    with pytest.raises(ShapeError, match=r"'ids' must be \[B, L\], got \[2\]"):
        tokenizer.decode(torch.tensor([4, 5]))


def assert_equal_tokenizers(one, other):
    assert (one.words, one.max_length) == (other.words, other.max_length)
    assert torch.equal(one.encode([*CAPTIONS, "x " * 30]), other.encode([*CAPTIONS, "x " * 30]))


def test_saved_and_loaded(tmp_path):
    tokenizer = CaptionTokenizer.from_captions(CAPTIONS, max_length=4)
    tokenizer.save(tmp_path / "tokenizer.json")
    assert_equal_tokenizers(CaptionTokenizer.load(tmp_path / "tokenizer.json"), tokenizer)
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]


def test_the_library_alone_reads_the_file_and_gives_the_same_numbers(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for caption in [*CAPTIONS, "Don't  CLOSE-up <eos>", "dog " * 50]:
        assert [theirs.encode(caption).ids] == tokenizer.encode([caption]).tolist()


def test_pickled(tokenizer):
    assert_equal_tokenizers(pickle.loads(pickle.dumps(tokenizer)), tokenizer)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["model"].pop("vocab"),
        lambda content: content["model"]["vocab"].update(dog=99),
        lambda content: content["model"]["vocab"].update(dog="x"),
        lambda content: content.update(truncation=None),
        lambda content: content["truncation"].update(max_length=2),
        lambda content: content.update(normalizer=None),
    ],
)
def test_file_of_another_make(tokenizer, tmp_path, change):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(
        ModelFolderError, match=r"tokenizer.json (is not a tokenizer of stgraph|normalises captions by other)"
    ):
        CaptionTokenizer.load(path)


def test_file_that_is_damaged_or_missing(tmp_path):
    with pytest.raises(MissingDataError, match="No tokenizer at"):
        CaptionTokenizer.load(tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer.json").write_text("[")
    with pytest.raises(ModelFolderError, match="is not a tokenizer of stgraph"):
        CaptionTokenizer.load(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("options", [{"max_length": 0}, {"min_count": 0}])
def test_limits_below_one(options):
    with pytest.raises(OptionError, match="must be at least 1, got 0"):
        CaptionTokenizer.from_captions(CAPTIONS, **options)


@pytest.mark.parametrize(
    "vocabulary", [{}, {"a": 0}, {"<pad>": 0, "<bos>": 1, "<eos>": 2, "<unk>": 3, "a": 5}]
)
def test_vocabulary_with_gaps_or_without_special_tokens(vocabulary):
    with pytest.raises(DataError, match="must number its words"):
        CaptionTokenizer(vocabulary)
