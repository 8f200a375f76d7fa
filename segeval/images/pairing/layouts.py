"""Which class each channel of a prediction is of."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from segeval.errors import ConfigError, DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.probabilities.channels import BACKGROUND, Layout


def layout_of(
    n: int,
    labels: LabelMap,
    *,
    names: Sequence[str] = (),
    order: Sequence[str] = (),
    where: str,
    sums_are_one: Callable[[], bool | None],
) -> Layout:
    """The layout of `n` channels, which follow the ids of the label map, background first where it has a channel.

    Args:
        names: of files that hold one class each, by the name or the id of the class.
        order: the class of each channel, by its name or id, where the user says so.
        where: the prediction, for messages.
        sums_are_one: looks at the values, where these tell; asked only where the number of channels leaves it open.

    Raises:
        ConfigError: background shall be scored, and sigmoids have none; or nothing says which channel is which.
        DataError: the channels fit no layout of these labels.
    """
    if order and not names:
        return _in_stated_order(n, labels, order, where=where, sums_are_one=sums_are_one)
    known = _of_ids(names) if names and not labels.in_order else labels if names or n == 1 else _by_ids(labels)
    possible = _possible(n, known)
    fitting = [layout for layout in possible if len(layout.classes) == n and _all_named(layout, names)]
    if not fitting:
        raise DataError(_unfit(n, names, possible, where))
    layout = fitting[0] if len(fitting) == 1 else _told_apart(fitting, sums_are_one(), where)
    if labels.include_background and not layout.exclusive:
        raise ConfigError(f"--include-background: {layout} have no background. Leave it out.")
    return layout


def _told_apart(fitting: Sequence[Layout], is_softmax: bool | None, where: str) -> Layout:
    """The one of several layouts that the values tell, a softmax before sigmoids.

    Raises:
        ConfigError: they tell nothing, as logits.
    """
    if is_softmax is None:
        named = [",".join(row.name for row in layout.classes) for layout in fitting]
        raise ConfigError(
            f"{where}: logits of {len(fitting[0].classes)} channels may be {' or '.join(map(str, fitting))}, which "
            f"nothing tells. Say it with {' or '.join(f'--channels {names}' for names in named)}."
        )
    return fitting[0] if is_softmax else fitting[1]


def _in_stated_order(
    n: int, labels: LabelMap, order: Sequence[str], *, where: str, sums_are_one: Callable[[], bool | None]
) -> Layout:
    """The layout of channels that the user names one by one; with background among them they are a softmax."""
    rows = labels.in_order or tuple(_class_of_id(int(name)) for name in order if name.isdecimal() and int(name))
    known = (*rows, *(() if labels.names_zero else (BACKGROUND,)))
    classes = tuple(row for name in order for row in known if name_of(row, [name]))
    if len(classes) != len(order) or len(set(classes)) < len(classes):
        said = f"Classes are {', '.join(row.name for row in known)}."
        if not labels.in_order:
            said = "Without --labels a class is called by its id, as in background,1,2: write ids, or name them there."
        raise ConfigError(f"--channels {','.join(order)}: name each channel by its class, once. {said}")
    if len(classes) != n:
        raise DataError(f"{where}: has {n} channels, and --channels names {len(classes)}. Name as many as there are.")
    has_zero = any(0 in row.ids for row in classes)
    return Layout(classes=classes, exclusive=has_zero or (0 in labels.ignore and bool(sums_are_one())))


def _by_ids(labels: LabelMap) -> LabelMap:
    """The classes in the order of their channels: by id where these are 1 to C, else as given if they rise that way.

    A file that mixes classes and regions has an order of its own.
    """
    ids = [row.ids[0] for row in labels.classes or ()]
    if labels.written or ids == sorted(ids):
        return labels
    if sorted({*ids} - {0}) == list(range(1, len({*ids} - {0}) + 1)):
        return replace(labels, classes=tuple(sorted(labels.classes or (), key=lambda row: row.ids)))
    names = ",".join(row.name for row in sorted(labels.classes or (), key=lambda row: row.ids))
    first = "" if labels.names_zero or 0 in labels.ignore else "background,"
    raise ConfigError(
        f"--labels: the ids {', '.join(map(str, ids))} neither rise nor are 1 to {len(ids)}, so they do not tell which "
        f"channel is which. Say it with --channels, such as --channels {first}{names}."
    )


def name_of(wanted: LabelClass, names: Sequence[str]) -> str | None:
    """Which of the names is that of the class."""
    return next((name for name in names if name in (wanted.name, wanted.label)), None)


def _unfit(n: int, names: Sequence[str], possible: Sequence[Layout], where: str) -> str:
    has = f"files for {', '.join(names)}" if names else f"{n} {'channel' if n == 1 else 'channels'}"
    asked = " or ".join(f"{len(layout.classes)} ({layout})" for layout in possible) or "names of --labels, or ids"
    return f"{where}: has {has}, and should have {asked}. Name the classes of the channels with --labels."


def _possible(n: int, labels: LabelMap) -> list[Layout]:
    """Those that the labels allow, a softmax before sigmoids."""
    rows = labels.in_order
    foreground = [row for row in rows if row.ids != BACKGROUND.ids]
    if n == 1 and len(foreground) <= 1:
        return [_single(foreground[0] if foreground else _class_of_id(1))]
    found = [Layout(classes=classes, exclusive=True) for classes in _softmaxes(n, labels)]
    if foreground and not labels.names_zero:
        found.append(Layout(classes=rows, exclusive=len(rows) == 1 and len(rows[0].ids) == 1))
    return found


def _softmaxes(n: int, labels: LabelMap) -> list[tuple[LabelClass, ...]]:
    if labels.classes is None:
        return [(BACKGROUND, *map(_class_of_id, range(1, n)))]
    classes = tuple(row for row in labels.in_order if row not in labels.regions)
    if labels.names_zero:
        return [tuple(sorted(classes, key=lambda row: row.ids != BACKGROUND.ids))]
    if not classes:
        return []
    without = [classes] if 0 in labels.ignore and len(classes) > 1 else []  # as of Cityscapes, which has no background
    return [(BACKGROUND, *classes), *without]


def _single(row: LabelClass) -> Layout:
    return Layout(classes=(row,), exclusive=len(row.ids) == 1)


def _class_of_id(label: int) -> LabelClass:
    return LabelClass(name=str(label), ids=(label,))


def _of_ids(names: Sequence[str]) -> LabelMap:
    """Labels as the files of single classes name them, where nobody else does."""
    ids = sorted(int(name) for name in names if name.isdecimal() and int(name))
    return LabelMap(classes=tuple(map(_class_of_id, ids)))


def _all_named(layout: Layout, names: Sequence[str]) -> bool:
    return not names or all(name_of(row, names) for row in layout.classes)
