"""Whose number is this? Somebody's per-case numbers in, the definition that gives them out.

Two tools that both say "Dice" or "HD95" differ in a few ways that can be listed: the formula and its settings, the
masks that it was given (sides swapped, an axis flipped, the largest component alone, slice by slice), the spacing, the
class, what is said of a class that a side lacks, how classes and cases are averaged, a smoothing constant, and how the
result was rounded. Each way is an *axis*, and what a tool may do there an *alternative*, told in words (`space`,
`views`, `variants`). A *setting* has one alternative of every axis; what it costs is how far that is from
what segeval does by default. The room reads in this order:

1. `given.layouts` reads the file: a table, long or wide, or the JSON of a known tool, into columns of numbers. The
   digits as written decide within which interval a number is "equal".
2. `given.names` says which measure, case and class are meant.
3. `evidence` computes. A *base* is a formula on masks seen in one way. Its values are computed once per case and class;
   classes, empties, means and rounding are then a matter of arrays, so that thousands of settings cost what
   hundreds of bases do.
4. `search` asks a few cases everything and all cases only what a few cases agree to: single deviations of cheap bases
   first, then pairs, then masks that have to be changed. It begins again with cases that nothing explains yet.
5. `answer` ranks the settings by the share of numbers that they give, then by cost. Numbers that no setting of the
   first place gives go to the next one, as long as that is no accident: with `p` the width of an interval against the
   spread of all values that the settings give there, `n` settings of that cost hit these numbers by chance
   `n · Πp` times. Where that is above 0.05 the digits are too few, and this is the answer.
6. `against` does it for two files, and tells the axes on which their settings part where the numbers differ.
"""

from segeval.verbs.explain.against import Against, explain_against
from segeval.verbs.explain.answer import Explained
from segeval.verbs.explain.explaining import explain

__all__ = ["Against", "Explained", "explain", "explain_against"]
