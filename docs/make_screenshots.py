"""Makes the pictures of pages in docs/images, of a generated video, with headless Chromium.

First ``stgraph train experiment=demo trainer.max_epochs=12 run=runs/demo``, then
``python docs/make_screenshots.py runs/demo``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from stgraph.cli import main as stgraph

VIDEO = "interactions-0-00003"
IMAGES = Path(__file__).parent / "images"
SHOTS = {"page_light": (1280, 1010, "light"), "page_dark": (400, 900, "dark")}
MOST_BYTES = 200_000
CHOOSE = """<script>addEventListener("load", () => {
  const words = [...document.querySelectorAll(".word")];
  words.find((word) => word.dataset.caption === "1" && word.dataset.word === "1").click();
});</script>"""


def main(run: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page, picture = folder / "page.html", folder / "graph.png"
        if stgraph(["inspect", run, VIDEO, "--method", "occlusion", "-o", str(page)]):
            raise SystemExit(1)
        if stgraph(["graph", run, VIDEO, "-o", str(picture)]):
            raise SystemExit(1)
        save(picture, IMAGES / "figure_graph.jpg")
        page.write_text(
            page.read_text(encoding="utf-8").replace("</body>", f"{CHOOSE}</body>"), encoding="utf-8"
        )
        for target, (width, height, colours) in SHOTS.items():
            shot = folder / f"{target}.png"
            take(page, shot, width, height, dark=colours == "dark")
            save(shot, IMAGES / f"{target}.jpg")


def take(page: Path, target: Path, width: int, height: int, *, dark: bool) -> None:
    """Opens a page in headless Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("Chromium is not installed; on Debian and Ubuntu: apt-get install chromium")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--virtual-time-budget=5000",
    ]
    options += [f"--user-data-dir={target.parent / 'profile'}", f"--window-size={width},{height}"]
    options += [f"--screenshot={target}", *(["--force-dark-mode"] if dark else [])]
    subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True)


def save(picture: Path, target: Path) -> None:
    """Writes a JPEG of less than 200 kB."""
    image = Image.open(picture).convert("RGB")
    for quality in (90, 80, 70, 60, 50):
        image.save(target, quality=quality, optimize=True)
        if target.stat().st_size < MOST_BYTES:
            return
    raise SystemExit(f"{target} has more than {MOST_BYTES:,} bytes at quality 50.")


if __name__ == "__main__":
    main(sys.argv[1])
