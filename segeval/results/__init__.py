"""The run: what it found, how it is written, and how it is read back.

- `records`: rows of cases, classes and the summary, as scoring makes them.
- `tables`: `Results`, a finished run, and its tables; the names of their columns.
- `table`: `Table`, columns by name and rows as mappings, which every verb returns and every writer takes:
  `write_csv(path, table)`, `table.records()` for JSON, `markdown(table)`, `latex(table)`, `table.to_pandas()`.
- `number_text`: numbers for people, in all that is printed.
- `csv_tables`, `formats`, `run_json`, `run_folder`: the writers.
- `run_schema`: what a `run.json` must hold, as a JSON Schema and as the check of one that is read.
- `stored_runs`: `read_stored_run(path)` gives a `StoredRun` from a run folder, `run.json`, `scores.csv` or the summary
  of nnU-Net, whatever form it was written in.
"""

from segeval.results.records import CaseRow, CaseScore, ClassRow, Status, SummaryRow, Values
from segeval.results.table import Table
from segeval.results.tables import Results

__all__ = ["CaseRow", "CaseScore", "ClassRow", "Results", "Status", "SummaryRow", "Table", "Values"]
