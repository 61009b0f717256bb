"""The docs' Python blocks run as they are, without hydra and without the command line."""

import ast
import pathlib

import pytest

from tests import python_pages

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_blocks_of_a_page_run(page, tmp_path):
    blocks = python_pages.blocks(ROOT / page)
    assert len(blocks) >= 3
    python_pages.run(ROOT / page, tmp_path)


def test_a_block_that_imports_the_command_line_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nimport stgraph.cli\n```\n")
    with pytest.raises(AssertionError, match=r"the blocks imported \['stgraph.cli'"):
        python_pages.run(page, tmp_path / "work")


def test_training_on_a_store_takes_at_most_three_imports_and_ten_statements():
    (code,) = [code for _, code in python_pages.blocks(ROOT / "README.md") if "train_captioner(" in code]
    statements = ast.parse(code).body
    imports = [one for one in statements if isinstance(one, ast.Import | ast.ImportFrom)]
    assert len(imports) <= 3
    assert len(statements) - len(imports) <= 10
