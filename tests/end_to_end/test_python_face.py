"""The docs' Python blocks run as they are, without hydra and without the command line."""

import ast
import pathlib
import shutil

import pytest

from tests import python_pages

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """Stand-ins for what the pages name; tests work on copies."""
    folder = tmp_path_factory.mktemp("stand_ins")
    python_pages.make_stand_ins(folder)
    return folder


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_blocks_of_a_page_run(page, stand_ins, tmp_path):
    blocks = python_pages.blocks(ROOT / page)
    assert len(blocks) >= 3
    shutil.copytree(stand_ins, tmp_path, dirs_exist_ok=True)
    python_pages.run(ROOT / page, tmp_path)


def test_a_block_that_imports_the_command_line_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nimport stgraph.cli\n```\n")
    shutil.copy(python_pages.STAND_INS, tmp_path)
    with pytest.raises(AssertionError, match=r"the blocks imported \['stgraph.cli'"):
        python_pages.run(page, tmp_path)


def test_training_on_a_store_takes_at_most_three_imports_and_ten_statements():
    (code,) = [code for _, code in python_pages.blocks(ROOT / "README.md") if "train_captioner(" in code]
    statements = ast.parse(code).body
    imports = [one for one in statements if isinstance(one, ast.Import | ast.ImportFrom)]
    assert len(imports) <= 3
    assert len(statements) - len(imports) <= 10
