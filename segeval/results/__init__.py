"""What a run found, as records, and the tables made of them."""

from segeval.results.records import CaseRow, CaseScore, ClassRow, Results, Status, SummaryRow, Values

__all__ = ["CaseRow", "CaseScore", "ClassRow", "Results", "Status", "SummaryRow", "Values"]
