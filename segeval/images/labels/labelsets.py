"""Label maps that everyone knows by name."""

from segeval.evidence.labels import LabelClass, LabelMap

# The 19 evaluation classes by labelId, in the order of their trainIds: Cordts et al. 2016, arXiv:1604.01685,
# and the label table of the dataset's own scripts.
_CITYSCAPES = {
    7: "road",
    8: "sidewalk",
    11: "building",
    12: "wall",
    13: "fence",
    17: "pole",
    19: "traffic light",
    20: "traffic sign",
    21: "vegetation",
    22: "terrain",
    23: "sky",
    24: "person",
    25: "rider",
    26: "car",
    27: "truck",
    28: "bus",
    31: "train",
    32: "motorcycle",
    33: "bicycle",
}


def _classes(ids_and_names: dict[int, str]) -> tuple[LabelClass, ...]:
    return tuple(LabelClass(name=name, ids=(one,)) for one, name in ids_and_names.items())


LABEL_SETS = {
    "cityscapes": LabelMap(
        classes=_classes(_CITYSCAPES),
        ignore=tuple(one for one in range(-1, 35) if one not in _CITYSCAPES),
    ),
    "cityscapes-train": LabelMap(
        classes=_classes(dict(enumerate(_CITYSCAPES.values()))),
        ignore=(255,),
    ),
}
