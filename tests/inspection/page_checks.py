"""What a page with captions must do in a browser, for generated and for real clips."""

from pathlib import Path

from tests.inspection.browser import axe_script, found_by, serious_faults

SCRIPT = """
  const boxes = [...document.querySelectorAll("#frames rect[fill-opacity]")];
  const opaque = () => boxes.filter((box) => Number(box.getAttribute("fill-opacity")) > 0).length;
  const slider = document.getElementById("threshold");
  const slide = (value) => {
    slider.value = value;
    slider.dispatchEvent(new Event("input"));
    return Number(body.dataset.edges);
  };
  found.all = slide(0);
  found.few = slide(slider.max);
  found.drawn = (slide(0), document.querySelectorAll("#frames line").length);
  found.before = opaque();
  found.lit = Math.max(...[...document.querySelectorAll(".word")].map((word) => {
    word.click();
    const number = opaque();
    word.click();
    return number;
  }));
  document.querySelector(".word").click();
  found.status = document.getElementById("status").textContent;
  document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}));
  found.after = opaque();
  found.pictures = document.querySelectorAll("#frames image").length;
  const text = [...document.querySelectorAll("h1, h2, h3, p, label, button, li")];
  found.cut = text.filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth).length;
"""


def check_page(page: Path, tmp_path: Path, *, pictures: int) -> None:
    """Clicks words and moves the slider at 1280 and 400 pixels, light and dark; ``pictures`` frames must be shown.

    That no error occurs and nothing is requested is checked by :func:`found_by`. Where axe-core is at hand, it may find no
    serious fault.
    """
    axe = axe_script()
    for width, dark in ((1280, False), (400, True)):
        found = found_by(SCRIPT + (axe or ""), page, tmp_path, width, dark=dark)
        assert found["all"] > found["few"] >= 0
        assert found["drawn"] > 0
        assert found["before"] == found["after"] == 0
        assert found["lit"] > 0
        assert found["status"].startswith("“")
        assert found["pictures"] == pictures
        assert found["cut"] == 0
        assert found["overflow"] <= 0
        assert axe is None or serious_faults(found) == []
