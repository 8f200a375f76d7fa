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

_CITYSCAPES_GROUPS = {
    "flat": ("road", "sidewalk"),
    "construction": ("building", "wall", "fence"),
    "object": ("pole", "traffic light", "traffic sign"),
    "nature": ("vegetation", "terrain"),
    "sky": ("sky",),
    "human": ("person", "rider"),
    "vehicle": ("car", "truck", "bus", "train", "motorcycle", "bicycle"),
}

# The object classes of Pascal VOC: Everingham et al. 2010, doi:10.1007/s11263-009-0275-4; background is one too.
_VOC = """
aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, diningtable, dog, horse, motorbike, person,
pottedplant, sheep, sofa, train, tvmonitor
"""

# The 150 classes of the ADE20K scene parsing benchmark by id: Zhou et al. 2017, doi:10.1109/CVPR.2017.544. Id 0 is
# whatever else, and counts nowhere; numbered from 0 (`reduce_zero_label`) it is 255.
_ADE20K = """
wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet, sidewalk, person, earth, door,
table, mountain, plant, curtain, chair, car, water, painting, sofa, shelf, house, sea, mirror, rug, field, armchair,
seat, fence, desk, rock, wardrobe, lamp, bathtub, railing, cushion, base, box, column, signboard, chest of drawers,
counter, sand, sink, skyscraper, fireplace, refrigerator, grandstand, path, stairs, runway, case, pool table,
pillow, screen door, stairway, river, bridge, bookcase, blind, coffee table, toilet, flower, book, hill, bench,
countertop, stove, palm, kitchen island, computer, swivel chair, boat, bar, arcade machine, hovel, bus, towel,
light, truck, tower, chandelier, awning, streetlight, booth, television receiver, airplane, dirt track, apparel,
pole, land, bannister, escalator, ottoman, bottle, buffet, poster, stage, van, ship, fountain, conveyer belt,
canopy, washer, plaything, swimming pool, stool, barrel, basket, waterfall, tent, bag, minibike, cradle, oven, ball,
food, step, tank, trade name, microwave, pot, animal, bicycle, lake, dishwasher, screen, blanket, sculpture, hood,
sconce, vase, traffic light, tray, ashcan, fan, pier, crt screen, plate, monitor, bulletin board, shower, radiator,
glass, clock, flag
"""

# What TotalSegmentator 2 writes, for CT and for MR: Wasserthal et al. 2023, doi:10.1148/ryai.230024.
_TOTALSEGMENTATOR = """
spleen, kidney_right, kidney_left, gallbladder, liver, stomach, pancreas, adrenal_gland_right, adrenal_gland_left,
lung_upper_lobe_left, lung_lower_lobe_left, lung_upper_lobe_right, lung_middle_lobe_right, lung_lower_lobe_right,
esophagus, trachea, thyroid_gland, small_bowel, duodenum, colon, urinary_bladder, prostate, kidney_cyst_left,
kidney_cyst_right, sacrum, vertebrae_S1, vertebrae_L5, vertebrae_L4, vertebrae_L3, vertebrae_L2, vertebrae_L1,
vertebrae_T12, vertebrae_T11, vertebrae_T10, vertebrae_T9, vertebrae_T8, vertebrae_T7, vertebrae_T6, vertebrae_T5,
vertebrae_T4, vertebrae_T3, vertebrae_T2, vertebrae_T1, vertebrae_C7, vertebrae_C6, vertebrae_C5, vertebrae_C4,
vertebrae_C3, vertebrae_C2, vertebrae_C1, heart, aorta, pulmonary_vein, brachiocephalic_trunk,
subclavian_artery_right, subclavian_artery_left, common_carotid_artery_right, common_carotid_artery_left,
brachiocephalic_vein_left, brachiocephalic_vein_right, atrial_appendage_left, superior_vena_cava,
inferior_vena_cava, portal_vein_and_splenic_vein, iliac_artery_left, iliac_artery_right, iliac_vena_left,
iliac_vena_right, humerus_left, humerus_right, scapula_left, scapula_right, clavicula_left, clavicula_right,
femur_left, femur_right, hip_left, hip_right, spinal_cord, gluteus_maximus_left, gluteus_maximus_right,
gluteus_medius_left, gluteus_medius_right, gluteus_minimus_left, gluteus_minimus_right, autochthon_left,
autochthon_right, iliopsoas_left, iliopsoas_right, brain, skull, rib_left_1, rib_left_2, rib_left_3, rib_left_4,
rib_left_5, rib_left_6, rib_left_7, rib_left_8, rib_left_9, rib_left_10, rib_left_11, rib_left_12, rib_right_1,
rib_right_2, rib_right_3, rib_right_4, rib_right_5, rib_right_6, rib_right_7, rib_right_8, rib_right_9,
rib_right_10, rib_right_11, rib_right_12, sternum, costal_cartilages
"""

_TOTALSEGMENTATOR_MR = """
spleen, kidney_right, kidney_left, gallbladder, liver, stomach, pancreas, adrenal_gland_right, adrenal_gland_left,
lung_left, lung_right, esophagus, small_bowel, duodenum, colon, urinary_bladder, prostate, sacrum, vertebrae,
intervertebral_discs, spinal_cord, heart, aorta, inferior_vena_cava, portal_vein_and_splenic_vein,
iliac_artery_left, iliac_artery_right, iliac_vena_left, iliac_vena_right, humerus_left, humerus_right, scapula_left,
scapula_right, clavicula_left, clavicula_right, femur_left, femur_right, hip_left, hip_right, gluteus_maximus_left,
gluteus_maximus_right, gluteus_medius_left, gluteus_medius_right, gluteus_minimus_left, gluteus_minimus_right,
autochthon_left, autochthon_right, iliopsoas_left, iliopsoas_right, brain
"""


def _classes(ids_and_names: dict[int, str]) -> tuple[LabelClass, ...]:
    return tuple(LabelClass(name=name, ids=(label,)) for label, name in ids_and_names.items())


def _groups(names_of: dict[str, tuple[str, ...]], ids_and_names: dict[int, str]) -> tuple[LabelClass, ...]:
    """Unions of classes, by their names."""
    id_of = {name: label for label, name in ids_and_names.items()}
    return tuple(LabelClass(name=group, ids=tuple(map(id_of.__getitem__, names))) for group, names in names_of.items())


def _numbered(names: str, *, first: int = 1) -> tuple[LabelClass, ...]:
    """Classes with one id after the other."""
    return _classes(dict(enumerate(" ".join(names.split()).split(", "), start=first)))


LABEL_SETS = {
    "cityscapes": LabelMap(
        classes=_classes(_CITYSCAPES),
        ignore=tuple(label for label in range(-1, 35) if label not in _CITYSCAPES),
        groups=_groups(_CITYSCAPES_GROUPS, _CITYSCAPES),
    ),
    "cityscapes-train": LabelMap(
        classes=_classes(dict(enumerate(_CITYSCAPES.values()))),
        ignore=(255,),
        groups=_groups(_CITYSCAPES_GROUPS, dict(enumerate(_CITYSCAPES.values()))),
    ),
    "voc": LabelMap(classes=_numbered(_VOC), ignore=(255,), include_background=True),
    "ade20k": LabelMap(classes=_numbered(_ADE20K), ignore=(0,)),
    "ade20k-train": LabelMap(classes=_numbered(_ADE20K, first=0), ignore=(255,)),
    "totalsegmentator": LabelMap(classes=_numbered(_TOTALSEGMENTATOR)),
    "totalsegmentator-mr": LabelMap(classes=_numbered(_TOTALSEGMENTATOR_MR)),
}
