"""What the benchmark tables are made of; no time is judged here."""

import sys

import pytest

from benchmarks import gpu
from benchmarks.measuring import Contender, Record, interleave, markdown_table


def contender(name, code, **others):
    return Contender(work="counting", name=name, command=[sys.executable, "-c", code], **others)


def test_each_contender_runs_once_a_round_and_reports_its_answer(capsys):
    a = contender("a", "print(6 * 7)", answer=lambda stdout: stdout.strip())
    b = contender("b", "print(1)")
    records = interleave([a, b], runs=2)
    assert [len(record.seconds) for record in records] == [2, 2]
    assert all(peak > 1 for record in records for peak in record.peak_mib)
    assert [record.answer for record in records] == ["42", ""]
    order = [line.split("  ")[1][0] for line in capsys.readouterr().err.splitlines()]
    assert order == ["a", "b", "a", "b"]


def test_a_contender_that_fails_or_is_not_installed_says_so_in_its_row(capsys):
    failing = contender("failing", "import sys; print('no voxels', file=sys.stderr); sys.exit(3)")
    absent = contender("absent", "print(1)", needs="no-such-distribution")
    records = interleave([failing, absent], runs=2)
    assert [record.reason for record in records] == [
        "failed with exit code 3",
        "skipped: no-such-distribution is not installed",
    ]
    assert capsys.readouterr().err.count("no voxels") == 1


def test_the_table_has_medians_and_ratios_to_the_reference():
    ours = Record(
        contender=contender("segeval", ""), seconds=[2.0, 1.0, 9.0], peak_mib=[50.0, 50.0, 51.0], answer="0.5"
    )
    theirs = Record(contender=contender("other", ""), seconds=[7.0, 8.0, 6.0], peak_mib=[400.0] * 3)
    broken = Record(contender=contender("broken", ""), reason="skipped")
    table = markdown_table([ours, theirs, broken], reference="segeval", answer_title="Dice").splitlines()
    assert table[2] == "| counting | segeval | 2.00 | 1.00 to 9.00 | 1.00 | 50 | 0.5 |"
    assert table[3] == "| counting | other | 7.00 | 6.00 to 8.00 | 3.50 | 400 |  |"
    assert table[4] == "| counting | broken | – | – | – | – | skipped |"


@pytest.mark.slow
def test_the_page_of_the_gpu_has_every_row_and_no_difference(monkeypatch):
    """All of it runs where torch works on the CPU; what a GPU would give is seen with one only."""
    pytest.importorskip("torch")
    monkeypatch.setattr(gpu, "ROUNDS", 0)  # nothing but the first time
    page = gpu.page("cpu", gpu.Sizes(shape=(20, 18, 16), small=12, batch=2))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    header, _, *rows = rows
    assert tuple(header) == gpu.COLUMNS
    engines = [row for row in rows if row[2] == "CPU engine"]
    assert {*gpu.GROUPS} <= {row[0] for row in engines}
    assert {row[0] for row in engines if "in .nii.gz" in row[1] or "batch" in row[1]} == {"overlap, boundary"}
    assert all(float(row[-1]) <= 1e-9 for row in engines)
    assert [row[2].split()[0] for row in rows if row[4] == "segeval"] == ["monai", "exacta", "distorch"]
    assert all(row[-1] == "not installed" or float(row[-1]) <= 1e-4 for row in rows if row[4] == "segeval")


def test_without_a_gpu_the_page_says_that_it_was_not_run():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    assert "not run: this machine has no CUDA device" in gpu.page("cuda", gpu.SMALL)
