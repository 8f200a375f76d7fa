"""The page of a run in a real browser: it asks for nothing, says nothing on the console, and does what it offers."""

import shutil

import numpy as np
import pytest

from segeval.cli import app
from tests.cli.given import SAMPLE, write_cases

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="this machine has no chromium"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
HOSTILE = "=cmd()|<script>document.title='x'</script>\u202e🧠"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, "--disable-component-update"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def report_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "run"
    masks = [str(SAMPLE / "pred"), str(SAMPLE / "gt"), "--labels", str(SAMPLE / "labels.yaml")]
    assert app.run(["score", *masks, "-m", "dice,hd95,lesion_f1", "--out", str(folder), "-q"]) == 0
    assert app.run(["report", str(folder), "--worst", "1", "-q"]) == 0
    return folder / "report.html"


def opened(browser, file, **context):
    """The page, with whatever it asked for and said."""
    page = browser.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True, **context).new_page()
    page.asked, page.said = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.goto(file.as_uri())
    page.locator("#case-table .tabulator-row").first.wait_for()
    return page


def test_it_asks_for_nothing_and_says_nothing(browser, report_file):
    page = opened(browser, report_file)
    for chart in page.locator(".chart").all():
        chart.scroll_into_view_if_needed()
        chart.locator("canvas").wait_for()
    assert [url for url in page.asked if not url.startswith(("data:", "blob:"))] == [report_file.as_uri()]
    assert page.said == []
    assert page.locator(".chart canvas").count() == 4


def test_cases_are_found_filtered_and_sorted(browser, report_file):
    page = opened(browser, report_file)
    shown = page.locator("#case-table .tabulator-row")
    page.select_option("#of-class", "lesion")
    page.select_option("#of-status", "absent_pred")
    assert shown.count() == 1
    assert "case_07" in shown.first.inner_text()
    page.click("#all-cases")
    page.select_option("#of-class", "organ")
    page.locator('.tabulator-col[tabulator-field="dice"]').click()
    assert "case_10" in shown.first.inner_text()
    page.fill("#find", "case_03")
    assert shown.count() == 1


def test_a_click_on_a_point_chooses_its_case(browser, report_file):
    page = opened(browser, report_file)
    page.locator("#chart-size").scroll_into_view_if_needed()
    page.locator("#chart-size canvas").wait_for()
    name, x, y = page.evaluate(
        """() => { const view = segeval.view.size, pad = view.padding(), [x0, y0] = view.origin();
        const left = x0 + pad.left, top = y0 + pad.top;
        const {fields, rows} = JSON.parse(document.getElementById("data").textContent);
        const row = rows.find((row) => row[fields.indexOf("dice")] < 0.1 && row[fields.indexOf("status")] === "ok");
        return [row[0], left + view.scale("x")(row[fields.indexOf("n_truth")]),
                top + view.scale("y")(row[fields.indexOf("dice")])]; }"""
    )
    chart = page.locator("#chart-size canvas")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.click(box["x"] + x, box["y"] + y)
    page.locator("#review").wait_for(state="visible")
    assert page.locator("#review-case").inner_text() == name


def test_cases_are_walked_marked_and_downloaded(browser, report_file):
    page = opened(browser, report_file)
    page.keyboard.press("j")
    first = page.locator("#review-case").inner_text()
    page.fill("#review-comment", '=1+1, "odd"')
    page.locator("h1").click()
    page.keyboard.press("f")
    page.keyboard.press("j")
    second = page.locator("#review-case").inner_text()
    page.keyboard.press("p")
    with page.expect_download() as download:
        page.click("#download")
    text = download.value.path().read_text()
    assert text == f'case,reviewed,comment\n{first},fail,"\'=1+1, ""odd"""\n{second},pass,\n'
    assert page.locator("#n-marks").inner_text() == "2 of 12 cases marked"
    page.keyboard.press("k")
    assert page.locator("#review-case").inner_text() == first


def test_another_measure_redraws_a_chart(browser, report_file):
    page = opened(browser, report_file)
    page.select_option('select[data-chart="distribution"]', "hd95")
    assert page.said == []
    assert page.locator("#chart-distribution canvas").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_it_reads_well_in_every_light_and_width(browser, report_file, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page = opened(browser, report_file, color_scheme=scheme, bypass_csp=True)
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.Axe().run(page).response["violations"]
    grave = [(entry["id"], entry["nodes"][0]["html"]) for entry in found if entry["impact"] in ("serious", "critical")]
    assert grave == []


def test_hostile_names_stay_text(browser, tmp_path):
    image = np.zeros((6, 6), dtype=np.uint8)
    image[:2] = 1
    for side in ("pred", "gt"):
        write_cases(tmp_path / side, {"a": image})
    command = ["score", str(tmp_path / "pred"), str(tmp_path / "gt"), "--labels", f"1={HOSTILE}"]
    assert app.run([*command, "--out", str(tmp_path / "run"), "-q"]) == 0
    assert app.run(["report", str(tmp_path / "run"), "-q"]) == 0
    page = opened(browser, tmp_path / "run" / "report.html")
    assert page.title() == "Segmentation report"
    assert page.said == []
    assert HOSTILE in page.locator("#summary tbody th").first.inner_text()


def test_it_reads_without_scripts(browser, report_file):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(report_file.as_uri())
    assert "0.538" in page.locator("#summary").inner_text()
    assert not page.locator("#find").is_visible()


def test_marks_of_an_earlier_review_are_there_again(browser, report_file, tmp_path):
    review = tmp_path / "review.csv"
    review.write_text('case,reviewed,comment\ncase_07,fail,"=no, none"\n')
    marked = tmp_path / "marked.html"
    assert app.run(["report", str(report_file.parent), "--review", str(review), "--out", str(marked), "-q"]) == 0
    page = opened(browser, marked)
    assert "=no, none" in page.locator("#reviewed").inner_text()
    assert page.locator("#n-marks").inner_text() == "1 of 12 cases marked"
    page.locator("#reviewed a.case").click()
    assert page.locator("#review-mark").inner_text() == "fail"
    assert page.locator("#review-comment").input_value() == "=no, none"
    assert page.evaluate("segeval.reviewCsv()").splitlines()[1] == 'case_07,fail,"\'=no, none"'
    assert page.said == []
