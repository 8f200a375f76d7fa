"""Write the pictures of the report in the docs, from the sample data: `uv run python docs/make_screenshots.py`.

It needs Chromium, and Playwright's Python package to drive it.
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from segeval.cli.app import run

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "sample_data"
PICTURES = {
    "report-light": ("light", 1100, 900),
    "report-dark": ("dark", 1100, 900),
    "report-phone": ("light", 360, 720),
}


def main() -> None:
    """Score the sample, make its page, and photograph it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("This machine has no Chromium.")
    (HERE / "images").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "run")
        images = str(SAMPLE / "images")
        masks = [str(SAMPLE / "pred"), str(SAMPLE / "gt"), "--labels", str(SAMPLE / "labels.yaml")]
        run(["score", *masks, "-m", "dice,hd95,lesion_f1", "--out", out, "-q"])
        run(["report", out, "--worst", "1", "--images", images, "-q"])
        overlay = str(HERE / "images" / "overlay.png")
        run(["show", out, "case_10", "--class", "organ", "--images", images, "--out", overlay, "-q"])
        photograph(Path(out) / "report.html", chromium)


def photograph(page_file: Path, chromium: str) -> None:
    """Take each picture."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, (scheme, width, height) in PICTURES.items():
            size = {"width": width, "height": height}
            page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
            page.goto(page_file.as_uri())
            page.locator("#case-table .tabulator-row").first.wait_for()
            page.locator("#chart-distribution").scroll_into_view_if_needed()
            page.locator("#chart-distribution canvas").wait_for()
            page.evaluate("window.scrollTo(0, 0)")
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            picture.save(HERE / "images" / f"{name}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
