import pytest

from stgraph.text import normalise


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("A Man.", "a man"),
        ("  two\t spaces\n\nand lines ", "two spaces and lines"),
        ("don't, it’s the man`s", "dont its the mans"),
        ("close-up of a T-shirt", "close up of a t shirt"),
        ("stove/oven (old)...and_new", "stove oven old and new"),
        ('he says "hi"', "he says hi"),
        ("Ein ÄPFEL, 3 cafés; ２ Ｄｏｇｓ", "ein äpfel 3 cafés 2 dogs"),
        ("日本語の犬!", "日本語の犬"),
        ("a\u200bb\ufeff \u0000c", "a b c"),
        ("<bos> <eos> <unk>", "bos eos unk"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_what_is_left_of_a_caption(caption, words):
    assert normalise(caption) == words
