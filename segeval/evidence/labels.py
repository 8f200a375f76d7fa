"""Which ids are classes, what they are called, and which truth ids are ignored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

WHOLE_CASE = "(all)"  # stands for a class where a value is one of a case
MEAN_OF_CLASSES = "(mean)"  # stands for a class where a value is the unweighted mean over the classes
NO_CLASSES = (WHOLE_CASE, MEAN_OF_CLASSES, "(pooled)")  # which no class may be called


@dataclass(frozen=True, kw_only=True)
class LabelClass:
    """One class of the tables: a single id, or a region that joins several."""

    name: str
    ids: tuple[int, ...]

    @property
    def label(self) -> str:
        """The ids as the `label` column shows them: `3`, or `1+2+3` for a region."""
        return "+".join(map(str, self.ids))


@dataclass(frozen=True, kw_only=True)
class LabelMap:
    """The user's choice of classes.

    `classes=None` means every id that occurs; then ids are called by their `names`, or by themselves. `written` are
    the names in the order of a file that mixes classes and regions. `groups` are unions that a known set of labels is
    judged by, and that are no rows of the tables.
    """

    classes: tuple[LabelClass, ...] | None = None
    regions: tuple[LabelClass, ...] = ()
    ignore: tuple[int, ...] = ()
    include_background: bool = False
    names: Mapping[int, str] = field(default_factory=dict)
    written: tuple[str, ...] = field(default=(), compare=False)
    groups: tuple[LabelClass, ...] = ()

    @property
    def categories(self) -> tuple[LabelClass, ...]:
        """Classes that belong together: the regions, or else the groups of the known set."""
        return self.regions or self.groups

    @property
    def in_order(self) -> tuple[LabelClass, ...]:
        """Classes and regions in the order in which they were given."""
        rank = {name: i for i, name in enumerate(self.written)}
        rows = (*(self.classes or ()), *self.regions)
        return tuple(sorted(rows, key=lambda one: rank.get(one.name, len(rank))))

    @property
    def names_zero(self) -> bool:
        """Whether id 0 is a class of its own, so that there is no background."""
        return any(0 in one.ids for one in self.classes or ())

    def classes_among(self, ids: Iterable[int]) -> tuple[LabelClass, ...]:
        """The classes to score when `ids` are all ids seen so far: background first, the others as they were given.

        Regions beside ids that nobody named come last.
        """
        background = self.include_background and not self.names_zero
        first = (LabelClass(name="background", ids=(0,)),) if background else ()
        if self.classes is not None:
            return first + self.in_order
        seen = sorted(set(ids) - set(self.ignore) - {0})
        found = tuple(LabelClass(name=self.names.get(label, str(label)), ids=(label,)) for label in seen)
        return first + found + self.regions


def overlapping(classes: Sequence[LabelClass]) -> bool:
    """Whether two of the classes share an id."""
    ids = [one for c in classes for one in c.ids]
    return len(ids) != len(set(ids))
