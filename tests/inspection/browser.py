"""Opens pages in headless Chromium, and looks for faults of accessibility with axe-core."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

WATCH = """
addEventListener("error", (event) => document.body.dataset.error = event.message);
addEventListener("securitypolicyviolation", (event) => document.body.dataset.error = event.blockedURI);
"""


def found_by(script, page, tmp_path, width=1280, *, dark=False):
    """What a script assigns to ``found`` once the page is loaded; no error may occur, no request leave the page."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        assert not os.environ.get("STGRAPH_EXPECT_CHROMIUM"), "Chromium is expected here"
        pytest.skip("no Chromium on this machine")
    trial = tmp_path / "trial.html"
    code = f"""<script>{WATCH}addEventListener("load", async () => {{
      const found = {{}}, body = document.body;
      {script}
      found.overflow = document.documentElement.scrollWidth - innerWidth;
      body.dataset.found = JSON.stringify(found);
    }});</script>"""
    text = page.read_text(encoding="utf-8")
    assert text.count("<main>") == 1
    if "script-src" not in text:  # a page without scripts forbids ours
        text = text.replace(
            "style-src 'unsafe-inline'", "style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        )
    trial.write_text(text.replace("<main>", code + "<main>"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900"]
    command = [browser, *options, *(["--force-dark-mode"] if dark else []), trial.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "data-error" not in dom
    return json.loads(html.unescape(re.search(r'data-found="([^"]*)"', dom)[1]))


def axe_faults(page, tmp_path, width=1280, *, dark=False):
    """Faults that axe-core calls serious or critical."""
    script = axe_script()
    if script is None:
        pytest.skip("STGRAPH_AXE names no axe.min.js; .ci/run fetches one")
    return serious_faults(found_by(script, page, tmp_path, width, dark=dark))


def axe_script():
    """Code for :func:`found_by` whose answer :func:`serious_faults` takes; None if there is no axe-core."""
    file = os.environ.get("STGRAPH_AXE")
    if not file:
        return None
    axe = Path(file).read_text(encoding="utf-8").replace("</script", "<\\/script")
    return f"""{axe}
      const result = await axe.run({{resultTypes: ["violations"]}});
      found.rules = result.passes.length;
      found.faults = result.violations.map((each) => [each.impact, each.id, each.nodes[0].html.slice(0, 200)]);"""


def serious_faults(found):
    """Faults that axe-core calls serious or critical."""
    assert found["rules"] > 10
    return [fault for fault in found["faults"] if fault[0] in ("serious", "critical")]
