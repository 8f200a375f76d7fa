"""The comparison tables of the papers, quoted as facts with their standing; never mixed with computed numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from segeval.options import SweepMode
from segeval.verbs.sweep.sheet import Sheet
from segeval.verbs.sweep.table import PaperLayout

Standing = Literal["verified", "secondary"]
_SAID = {
    "verified": "read in the full text of the paper",
    "secondary": "read in notes about the paper, not in the paper itself",
}


@dataclass(frozen=True, kw_only=True)
class PaperTable:
    """A table as the paper prints it.

    Attributes:
        status: whether the numbers were read in the paper itself.
        about: what was measured, and what to beware of.
    """

    source: str
    title: str
    status: Standing
    about: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def sheet(self) -> Sheet:
        """Ready to be printed; the paper's bold print is not repeated."""
        caption = (
            f"{self.source}; status: {self.status} ({_SAID[self.status]}); numbers of the paper, not computed here"
        )
        return Sheet(
            title=self.title,
            caption=caption,
            columns=self.header,
            rows=tuple(dict(zip(self.header, row, strict=True)) for row in self.rows),
            notes=(self.about,),
        )

    @property
    def document(self) -> dict[str, Any]:
        """What JSON files say of it."""
        return {
            "source": self.source,
            "title": self.title,
            "status": self.status,
            "notes": [self.about],
            "columns": list(self.header),
            "rows": [dict(zip(self.header, row, strict=True)) for row in self.rows],
        }


def _rows(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cell.strip() for cell in line.split("|")) for line in text.strip().splitlines())


TVERSKY = PaperTable(
    source="arXiv 1706.05721, Table 1",
    title="Tversky loss, multiple-sclerosis lesions",
    status="verified",
    about=(
        "3-D U-Nets trained with each loss, 15 subjects, two-fold cross-validation, threshold 0.5; per cent. α is the "
        "price of false positives. The columns are means of per-case values (inferred: F2 does not follow from DSC "
        "and sensitivity as it would for pooled counts). The estimator of APR is not named."
    ),
    header=("Penalties", "DSC", "Sensitivity", "Specificity", "F2 score", "APR score"),
    rows=_rows("""
        α = 0.5, β = 0.5 | 53.42 | 49.85 | 99.93 | 51.77 | 52.57
        α = 0.4, β = 0.6 | 54.57 | 55.85 | 99.91 | 55.47 | 54.34
        α = 0.3, β = 0.7 | 56.42 | 56.85 | 99.93 | 57.32 | 56.04
        α = 0.2, β = 0.8 | 48.57 | 61.00 | 99.89 | 54.53 | 53.31
        α = 0.1, β = 0.9 | 46.42 | 65.57 | 99.87 | 56.11 | 51.65
    """),
)
_COCO = (
    "Detection on COCO minival, ResNet-50-FPN. AP is the detection average of COCO and has no equivalent for a "
    "segmentation; apr is the closest quantity."
)
FOCAL_ALPHA = PaperTable(
    source="arXiv 1708.02002, Table 1a",
    title="α-balanced cross-entropy (γ = 0)",
    status="verified",
    about=_COCO,
    header=("α", "AP", "AP50", "AP75"),
    rows=_rows("""
        .10 | 0.0 | 0.0 | 0.0
        .25 | 10.8 | 16.0 | 11.7
        .50 | 30.2 | 46.7 | 32.8
        .75 | 31.1 | 49.4 | 33.0
        .90 | 30.8 | 49.7 | 32.3
        .99 | 28.7 | 47.4 | 29.9
        .999 | 25.1 | 41.7 | 26.1
    """),
)
FOCAL_GAMMA = PaperTable(
    source="arXiv 1708.02002, Table 1b",
    title="Focal loss, the best α for each γ",
    status="verified",
    about=_COCO,
    header=("γ", "α", "AP", "AP50", "AP75"),
    rows=_rows("""
        0 | .75 | 31.1 | 49.4 | 33.0
        0.1 | .75 | 31.4 | 49.9 | 33.1
        0.2 | .75 | 31.9 | 50.7 | 33.4
        0.5 | .50 | 32.9 | 51.7 | 35.2
        1.0 | .25 | 33.7 | 52.0 | 36.2
        2.0 | .25 | 34.0 | 52.5 | 36.5
        5.0 | .25 | 32.2 | 49.6 | 34.8
    """),
)
SKULL = PaperTable(
    source="arXiv 2006.14822",
    title="Losses compared on skull segmentation",
    status="secondary",
    about=(
        "2-D U-Net, NBFS skull-stripping data. The row of the log-cosh Dice loss cannot be right: Dice is at most "
        "2 Sens/(1 + Sens), which is 0.988 for a sensitivity of 0.975; its two columns are probably swapped."
    ),
    header=("Loss", "Dice", "Sensitivity", "Specificity"),
    rows=_rows("""
        Binary Cross-Entropy | 0.968 | 0.976 | 0.998
        Weighted Cross-Entropy | 0.962 | 0.966 | 0.998
        Focal Loss | 0.936 | 0.952 | 0.999
        Dice Loss | 0.970 | 0.981 | 0.998
        Tversky Loss | 0.965 | 0.979 | 0.996
        Focal Tversky Loss | 0.977 | 0.990 | 0.997
        Sensitivity-Specificity Loss | 0.957 | 0.980 | 0.996
        Exp-Logarithmic Loss | 0.972 | 0.982 | 0.997
        Log-Cosh Dice Loss | 0.989 | 0.975 | 0.997
    """),
)
LAYOUTS: Mapping[str, PaperLayout] = {
    "tversky_loss": PaperLayout(
        settings={"Penalties": {"α": "alpha_fp", "β": "beta_fn"}},
        columns=dict(zip(TVERSKY.header[1:], ("dsc", "sensitivity", "specificity", "f2", "apr"), strict=True)),
        source=TVERSKY.source,
    ),
}
_OF_LOSS: Mapping[str, Sequence[PaperTable]] = {
    "tversky_loss": (TVERSKY,),
    "focal_loss": (FOCAL_ALPHA, FOCAL_GAMMA),
    "losses": (SKULL,),
}


def papers_of(loss: str, mode: SweepMode) -> tuple[PaperTable, ...]:
    """The tables that papers print of this loss; none for curves, which are reproduced and not compared."""
    return () if mode in ("curve", "cdf") else tuple(_OF_LOSS.get(loss, ()))
