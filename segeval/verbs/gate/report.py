"""The verdicts of one gate, with what every reporter says of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from segeval.verbs.gate.verdict import Outcome, Verdict, exit_code

GRAVEST_FIRST: tuple[Outcome, ...] = ("fail", "inconclusive", "warn", "pass")


@dataclass(frozen=True, kw_only=True)
class GateReport:
    """All that a reporter needs.

    Attributes:
        notes: on the gate as a whole.
        source: the file of the rules, as annotations name it; empty where there is none.
    """

    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    source: str = ""
    on_inconclusive: Literal["report", "fail"] = "report"

    @property
    def exit_code(self) -> int:
        return exit_code(self.verdicts, on_inconclusive=self.on_inconclusive)

    @property
    def outcome(self) -> str:
        """One word for the whole gate, as the exit code has it."""
        return {0: "passed", 1: "failed", 4: "inconclusive"}[self.exit_code]

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """How many verdicts of each kind there are."""
        found = Counter(verdict.outcome for verdict in self.verdicts)
        return {outcome: found[outcome] for outcome in GRAVEST_FIRST}

    @property
    def headline(self) -> str:
        """`Gate failed: 1 fail, 2 pass.`"""
        said = [f"{n} {outcome}" for outcome, n in self.counts.items() if n]
        return f"Gate {self.outcome}: {', '.join(said) or 'no rule was evaluated'}."

    def gravest_first(self) -> list[Verdict]:
        """The verdicts that need a look before those that do not, otherwise in their order."""
        return sorted(self.verdicts, key=lambda verdict: GRAVEST_FIRST.index(verdict.outcome))


def encodable(text: str) -> str:
    """Text that UTF-8 can hold; file names that are no UTF-8 come as lone surrogates."""
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")
