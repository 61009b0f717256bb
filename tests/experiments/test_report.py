"""Tables of a study compared with values computed by hand."""

import pytest
from matplotlib.text import Text

from stgraph.experiments import Block, Study, blocks_of, draw_study, latex_table, markdown_report
from tests.experiments.cells import make_cell

STUDY = Study.parse(
    "t",
    {
        "title": "A study",
        "source": "A paper, Table 9.",
        "references": ["a"],
        "metrics": ["CIDEr"],
        "rows": {
            "a": {"title": "A_row", "published": {"other": {"CIDEr": 50.0}}},
            "b": {"title": "B", "published": {"other": {"CIDEr": 40.0}}},
            "c": {"title": "C", "published": {"other": {"CIDEr": 60.0}}},
            "gone": {"title": "not run"},
            "help": {"title": "helper", "hidden": True},
        },
    },
)
CELLS = {
    "a": {0: make_cell("a", 0, CIDEr=0.50), 1: make_cell("a", 1, CIDEr=0.70)},
    "b": {0: make_cell("b", 0, CIDEr=0.60), 1: make_cell("b", 1, CIDEr=0.801)},
    "c": {0: make_cell("c", 0, CIDEr=0.30)},
    "help": {0: make_cell("help", 0, CIDEr=0.99)},
}


def _rows(title):
    return {
        row[0]: row[1:] for block in blocks_of(STUDY, CELLS) if block.title == title for row in block.rows
    }


def test_means_deviations_and_intervals_times_100():
    rows = _rows("Test split, the branch that the row is about")
    # mean 60, s = 14.14, t(1, .975) = 12.71, half = 12.71 * 14.14 / sqrt 2 = 127.1
    assert rows == {
        "A_row †": ("2", "60.0 ± 14.1 (0.0 to 187.1)"),  # no score is below 0
        "B †": ("2", "70.0 ± 14.2 (0.0 to 197.7)"),
        "C †": ("1", "30.0"),
    }


def test_differences_are_paired_by_seed_and_bold_where_they_leave_out_zero():
    rows = _rows("Differences")
    # 10.0 and 10.1: mean 10.05, half = 12.706 * 0.0707 / sqrt 2 = 0.635
    assert rows == {"B †": ("A_row", "**+10.1 (+9.4 to +10.7)**"), "C †": ("A_row", "-20.0")}


def test_orderings_of_the_paper_say_whether_they_hold_here():
    rows = _rows("The paper's orderings by CIDEr")
    assert rows["A_row > B †"] == ("+10.0 (other)", "**-10.1 (-10.7 to -9.4)**", "reversed")
    assert rows["C > A_row †"] == ("+10.0 (other)", "-20.0", "not told apart")
    assert set(rows) == {"A_row > B †", "C > A_row †", "C > B †"}


def test_the_papers_figures_stand_beside_ours_only_on_the_papers_data():
    assert (
        "paper"
        not in markdown_report(STUDY, CELLS).split("## Differences")[0].split("| row")[1].splitlines()[0]
    )
    same = {
        row: {seed: cell.model_copy(update={"dataset": "other"}) for seed, cell in cells.items()}
        for row, cells in CELLS.items()
    }
    block = blocks_of(STUDY, same)[0]
    assert block.columns == ("row", "seeds", "CIDEr", "paper")
    assert [row[-1] for row in block.rows] == ["CIDEr 50.0", "CIDEr 40.0", "CIDEr 60.0"]


def test_the_page_names_splits_data_and_commit_and_leaves_helpers_out():
    page = markdown_report(STUDY, CELLS, "figure.svg")
    for words in ("**val**", "**test**", "sample", "7 videos", "0123456789ab", "![A study](figure.svg)"):
        assert words in page
    assert "helper" not in page
    assert "not run" not in page


def test_latex_escapes_and_has_a_line_a_row():
    text = latex_table(blocks_of(STUDY, CELLS)[1], "my_study")
    assert r"B $^\dagger$ & A\_row & \textbf{+10.1} {\scriptsize \textbf{[+9.4, +10.7]}} \\" in text
    assert r"C $^\dagger$ & A\_row & $-$20.0 \\" in text
    assert text.count("\\\\") == 3
    assert r"\label{tab:my-study-differences}" in text
    assert r"\caption{Differences. Mean difference and its 95 \% interval" in text
    assert r"$^\dagger$ Fewer than three seeds" in text
    for rule in ("toprule", "midrule", "bottomrule"):
        assert text.count(rule) == 1


def test_wide_latex_tables_have_their_intervals_on_a_line_of_their_own():
    row = ("a long title that is wrapped", "3", "**1.0 (0.5 to 1.5)**", *["2.0 ± 1.0 (1.5 to 2.5)"] * 4)
    block = Block("Many", ("row", "seeds", *"abcde"), (row,))
    assert latex_table(block).splitlines()[-7:-3] == [
        r"    row & seeds & a & b & c & d & e \\",
        r"    \midrule",
        r"    \raggedright a long title that is wrapped & 3 & \textbf{1.0} & 2.0 & 2.0 & 2.0 & 2.0 \\",
        r"     &  & \scriptsize \textbf{[0.5, 1.5]} & "
        + " & ".join([r"\scriptsize [1.5, 2.5]"] * 4)
        + r" \\[2pt]",
    ]


def test_three_seeds_need_no_warning():
    three = {row: {seed: make_cell(row, seed, noun=0.97 + seed / 100) for seed in range(3)} for row in "ab"}
    content = {**STUDY.model_dump(), "metrics": ("noun",), "main_metric": "noun"}
    page = markdown_report(Study.model_validate(content), three)
    assert "†" not in page
    assert "| B | 3 | 98.0 ± 1.0 (95.5 to 100.0) |" in page  # 98 + 4.30 / sqrt 3 = 100.5, more than all


def test_a_study_without_cells_is_an_empty_page_and_no_picture(tmp_path):
    assert blocks_of(STUDY, {}) == []
    assert draw_study(STUDY, {}, tmp_path / "f.png") is None
    assert markdown_report(STUDY, {}).startswith("# A study")


def test_the_picture_has_a_point_for_every_run(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    drawn, plot = [], Axes.plot
    monkeypatch.setattr(
        Axes,
        "plot",
        lambda axes, x, *rest, **style: (drawn.append((list(x), rest, style)), plot(axes, x, *rest, **style))[
            1
        ],
    )
    assert draw_study(STUDY, CELLS, tmp_path / "f.png").is_file()
    points = [x for x, rest, style in drawn if "o" in rest and style.get("ms") == 3.5 and x]
    assert points == [pytest.approx([50.0, 70.0]), pytest.approx([60.0, 80.1]), pytest.approx([30.0])]


def test_the_picture_has_a_difference_for_every_row_but_the_first_reference(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    both = Study.model_validate({**STUDY.model_dump(), "references": ("a", "b")})
    drawn, plot = [], Axes.plot
    monkeypatch.setattr(
        Axes,
        "plot",
        lambda axes, x, *rest, **style: (drawn.append((list(x), rest, style)), plot(axes, x, *rest, **style))[
            1
        ],
    )
    draw_study(both, CELLS, tmp_path / "f.png")
    means = [x for x, rest, style in drawn if "o" in rest and style.get("ms") == 5]
    assert means == [pytest.approx([10.05]), pytest.approx([-20.0])]


def test_the_papers_whole_table_stands_beside_cells_of_its_data():
    content = {"title": "T", "source": "S", "references": [], "metrics": ["METEOR", "CIDEr"], "others": {
        "sample": {"Older": {"CIDEr": 44.4}}, "elsewhere": {"Unseen": {"CIDEr": 1.0}}}, "rows": {
        "a": {"title": "A", "published": {"sample": {"CIDEr": 50.0, "METEOR": 30.0}}}, "b": {"title": "B"}}}  # fmt: skip
    found = blocks_of(Study.parse("t", content), {"a": CELLS["a"]})[-1]
    assert (found.title, found.columns) == ("The paper's scores on sample", ("method", "METEOR", "CIDEr"))
    assert found.rows == (("Older", "", "44.4"), ("A", "30.0", "50.0"))
    assert not any("paper's scores" in block.title for block in blocks_of(STUDY, CELLS))


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn, in place of their files."""
    figures = []
    monkeypatch.setattr(
        "stgraph.experiments.figure.save_figure", lambda figure, *_, **__: figures.append(figure)
    )
    return figures


def texts_of(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_the_picture_warns_of_few_seeds_cuts_intervals_and_explains_grey(tmp_path, drawn):
    content = {**STUDY.model_dump(), "metrics": ("noun",)}
    nouns = {0: 0.6, 1: 0.9, 2: 0.97}
    cells = {
        "a": {seed: make_cell("a", seed, noun=value) for seed, value in nouns.items()},
        "b": {seed: make_cell("b", seed, noun=value) for seed, value in list(nouns.items())[:2]},
    }
    draw_study(Study.model_validate(content), cells, tmp_path / "f.svg", "noun")
    (figure,) = drawn
    left, _ = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["A_row", "B †"]
    (legend,) = [text for text in texts_of(figure) if text.startswith("Points")]
    legend = " ".join(legend.split())
    assert "† Warning: fewer than three seeds" in legend
    assert "Grey difference: its interval includes 0." in legend
    assert "Hollow" not in legend  # there are no other branches
    ends = [x for line in left.lines for x in line.get_xdata()]
    assert min(ends) >= 0
    assert max(ends) == 100


def test_published_scores_are_diamonds_on_the_same_data_and_text_on_other(tmp_path, drawn):
    draw_study(STUDY, CELLS, tmp_path / "f.svg")
    same = {
        row: {seed: cell.model_copy(update={"dataset": "other"}) for seed, cell in cells.items()}
        for row, cells in CELLS.items()
    }
    draw_study(STUDY, same, tmp_path / "f.svg")
    elsewhere, here = drawn
    assert {"50.0", "40.0", "60.0", "published, on\nother"} <= set(texts_of(elsewhere))
    assert not any("Diamond" in text for text in texts_of(elsewhere))
    diamonds = [line.get_xdata()[0] for line in here.axes[0].lines if line.get_marker() == "D"]
    assert diamonds == [50.0, 40.0, 60.0]
    assert any("Diamond: published." in text for text in texts_of(here))


def test_the_picture_keeps_rows_off_the_frame_and_text_on_the_page(tmp_path, drawn):
    content = {**STUDY.model_dump(), "title": "A study of $5 and $9 " * 12}
    content["rows"]["a"]["title"] = "a row with a very long title " * 5
    content["rows"]["b"]["title"] = "from $5 to $9"
    draw_study(Study.model_validate(content), CELLS, tmp_path / "f.png")
    (figure,) = drawn
    figure.draw_without_rendering()
    left, right = figure.axes
    for axes in (left, right):
        frame = axes.get_window_extent()
        points = [point for line in axes.lines if line.get_marker() == "o" for point in line.get_xydata()]
        assert len(points) >= 2
        for _, y in axes.transData.transform(points):
            assert frame.y0 + 5 < y < frame.y1 - 5
    texts = [
        *left.get_yticklabels(),
        figure._suptitle,
        figure._supxlabel,
        left.xaxis.label,
        right.xaxis.label,
    ]
    texts += [each for each in right.texts if each.get_text()]
    for text in texts:
        extent = text.get_window_extent()
        assert extent.x0 >= 0
        assert extent.x1 <= figure.bbox.x1
        assert extent.y0 >= 0
        assert extent.y1 <= figure.bbox.y1
    assert left.get_yticklabels()[1].get_text() == r"from \$5 to \$9 †"  # \$ is drawn as a dollar sign
