"""The committed pages and LaTeX tables are those of the committed cells."""

from benchmarks.ablation.redraw import RESULTS, committed_studies
from stgraph.experiments.pages import study_texts


def test_committed_tables_are_those_of_the_committed_cells():
    names = []
    for study, cells, pairs in committed_studies():
        folder = RESULTS / study.name
        for name, text in study_texts(study, cells, "figure.svg", pairs).items():
            assert (folder / name).read_text(encoding="utf-8") == text, (
                f"{folder / name} is not that of its cells; run 'python -m benchmarks.ablation.redraw'."
            )
        assert (folder / "figure.svg").is_file()
        names.append(study.name)
    assert len(names) == 19
