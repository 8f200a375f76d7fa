"""Meshes of the classes, and distances from the middle of each piece of one to the nearest point of another.

The mesh of a mask is what marching cubes lays between foreground and background with vertices half-way between two
voxels (Lorensen and Cline 1987, doi:10.1145/37402.37422): triangles in 3-D, segments in 2-D. Points on a circuit can be
joined in many ways; here they are as MeshMetrics has them (Podobnik and Vrtovec 2025, arXiv:2509.05670).
"""

import itertools
from functools import cache

import numpy as np

from segeval.evidence.arrays import on_host
from segeval.evidence.grid import Lattice
from segeval.evidence.surfaces.distances import Directed
from segeval.evidence.surfaces.elements import Elements

_AT_ONCE = 1 << 17  # points that look for their nearest pieces at once
_N_ASKED = 4  # pieces that a point looks at first

# The pieces of every corner code (`surface_area` says which bit is which voxel): each digit is a vertex, the place of
# an edge of the cell among its edges in the order of their middles. Codes of a square, then of a cube: what VTK's
# vtkDiscreteFlyingEdges2D and vtkDiscreteMarchingCubes made of an image of these voxels alone.
_PIECES = {
    2: ",01,02,12,13,03,0213,23,23,0123,03,13,12,02,01,",
    3: (
        ",014,025,125145,136,034346,025136,235356456,237,014237,037057,137147457,126267,024247467,016056567,456567,489,01"
        "9089,025489,129259589,136489,038369389,025136489,235358368689,237489,019089237,037057489,137178189578,126267489,"
        "027079089679,015156489567,567569589,58a,01458a,02828a,12a14818a,13658a,03434658a,02813628a,23626828a468,23758a,0"
        "1423758a,03837878a,13714747a48a,12626758a,02704746758a,01606a08a67a,46747878a,45a49a,01a05a19a,02424929a,12a19a,"
        "13645a49a,03605a06a69a,02904913629a,23929a369,23745a49a,01515a19a237,03434a37a49a,13717a19a,12716745a49a,02705a0"
        "6706909a,01604906707a09a,67979a,69b,01469b,02569b,12514569b,13b19b,03b04b49b,02513b19b,23535939b459,23769b,01423"
        "769b,03705769b,13434745769b,12927b29b,02904927b29b,01905707979b,45747b49b,46868b,01606b08b,02546868b,12625826868"
        "b,13814838b,03b08b,02513434838b,23535838b,23746868b,01b08b16b237,03535746868b,13715715816b18b,12424b27b48b,02b08"
        "b27b,01514815717b18b,57b58b,58a69b,01458a69b,02828a69b,12a14a48a69b,13b19b58a,03b04909b58a,02a08a13b19b,23424a34"
        "b48a49b,23758a69b,01423758a69b,03837a38a69b,13434747869b78a,12927958a79b,02424927958a79b,01707817978a79b,47a47b4"
        "8a49b,45656a6ab,01515a16a6ab,02a04606a6ab,12a16a6ab,13434a3ab45a,03b05a0ab,02413424a34b4ab,23a3ab,23745656b5ab,0"
        "1515a16a2376ab,03a04a37a46a6ab,13716b17a1ab,12b14b27b45b5ab,02b05b27b5ab,0147ab,7ab,7ab,0147ab,0257ab,1251457ab,"
        "1367ab,0343467ab,0251367ab,2362564567ab,23a3ab,01423a3ab,03b05a0ab,13434a3ab45a,12a16a6ab,02a04606a6ab,01515a16a"
        "6ab,45656a6ab,4897ab,0190897ab,0254897ab,1292582897ab,1364897ab,0383686897ab,0251364897ab,2353583686897ab,23a3ab"
        "489,01908923b2ab,03b05b4895ab,13515935b5895ab,12a16b1ab489,02606826a6896ab,01a05a16b1ab489,56856a6896ab,57b58b,0"
        "1457b58b,02b08b27b,12424b27b48b,13657b58b,03604657b58b,02707b08b136,23624624827b28b,23535838b,01423825838b,03b08"
        "b,13814838b,12625826868b,02424625826b28b,01606b08b,46868b,45747b49b,01905707979b,02904927b29b,12927b29b,13645747"
        "979b,03905936957979b,02904913627b29b,23927936979b,23535939b459,01515923535b59b,03b04b49b,13b19b,12b16b25b45b49b,"
        "02569b,01604906b09b,69b,67979a,01467979a,02567979a,12514567a69a,13717a19a,03434a37a49a,02513a19a37a,23534534937a"
        "39a,23929a369,01423626929a,03605a06a69a,13434535a36939a,12a19a,02424929a,01a05a19a,45a49a,46747878a,01606a08a67a"
        ",02546747a48a,12816825867878a,13714747a48a,03837878a,02513714747a48a,23825837878a,23626828a468,01606823626a68a,0"
        "3a05a36a46a48a,13658a,12a14818a,02828a,01a05a14a48a,58a,567569589,014567568689,027079089679,128148278678689,1371"
        "78189578,039049379579589,027078137179789,237489,235358368689,014238258369389,038369389,138148368689,129259589,02"
        "9049259589,019089,489,456567,016056567,024247467,126267,137147457,037057,024134247347,237,235356456,015156235356"
        ",034346,136,125145,025,014,"
    ),
}


@cache
def _pieces(axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The pieces of each corner code of a grid whose axes stand in another order, and how many these are.

    Args:
        axes: which axis of the image each axis of the grid is.

    Returns:
        Vertices from the corner on, in voxels, as (code, piece, vertex, axis), and numbers of pieces by code.
    """
    n = len(axes)
    edges = [place for place in itertools.product((-0.5, 0.0, 0.5), repeat=n) if place.count(0.0) == 1]
    slots = list(itertools.product((0, 1), repeat=n))
    there = [slots.index(tuple(slot[axes.index(axis)] for axis in range(n))) for slot in slots]
    of_code = _PIECES[n].split(",")
    turned = [of_code[sum(1 << there[bit] for bit in range(2**n) if code >> bit & 1)] for code in range(len(of_code))]
    counts = np.array([len(text) // n for text in turned])
    table = np.zeros((len(turned), counts.max(), n, n))
    for code, text in enumerate(turned):
        vertices = [edges[int(letter, 12)] for letter in text]
        table[code, : counts[code]] = np.array(vertices).reshape(-1, n, n)[..., list(axes)]
    return table, counts


def mesh_distances(
    starts: Elements, goals: Elements, *, classes: int, lattice: Lattice, axes: tuple[int, ...]
) -> list[Directed]:
    """From the middle of each piece of one side to the nearest point of the other's mesh, weighted by its size.

    Args:
        starts: corners of the lattice with their codes, as `corner_elements` finds them.
        goals: those of the other side.
        classes: how many there are.
        lattice: of the grid of the corners.
        axes: which axis of the image each axis of that grid is.
    """
    found = []
    for index in range(classes):
        mine, theirs = (_mesh(side, index, lattice, axes) for side in (starts, goals))
        points, distances = mine.mean(axis=0), np.full(mine.shape[-1], np.inf)
        if theirs.size:
            search = _Search(theirs)
            for first in range(0, len(distances), _AT_ONCE):
                distances[first : first + _AT_ONCE] = search.nearest(points[:, first : first + _AT_ONCE])
        found.append(Directed(distance=distances, weight=_sizes(mine)))
    return found


def _mesh(side: Elements, index: int, lattice: Lattice, axes: tuple[int, ...]) -> np.ndarray:
    """The pieces of a class as (vertex, coordinate, piece), in the unit of the lattice."""
    here = side.of(index)
    at, codes = np.asarray(on_host(side.at[:, here])).T - 0.5, np.asarray(on_host(side.codes[here])).astype(np.intp)
    if len(axes) == 1:  # a row of voxels is cut in points
        places = at[:, None, :]
    else:
        table, counts = _pieces(axes)
        places = (at[:, None, None, :] + table[codes])[np.arange(table.shape[1]) < counts[codes, None]]
    return np.ascontiguousarray(lattice.places(places).transpose(1, 2, 0))


def _sizes(mesh: np.ndarray) -> np.ndarray:
    """Lengths of segments, or areas of triangles; a point counts one."""
    sides = (mesh[1:] - mesh[:1]).transpose(2, 0, 1)
    return np.sqrt(np.linalg.det(sides @ sides.transpose(0, 2, 1)).clip(min=0)) / max(1, len(mesh) - 1)


class _Search:
    """Finds the nearest point of a mesh.

    A point asks pieces in the order of their middles, until the next one's is too far away for any of it to be nearer.
    """

    def __init__(self, mesh: np.ndarray) -> None:
        from scipy.spatial import cKDTree

        self._mesh, middles = mesh, mesh.mean(axis=0)
        self._radii = np.sqrt(((mesh - middles) ** 2).sum(axis=1).max(axis=0))
        self._middles = cKDTree(middles.T)

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """Distances of points (coordinate, point)."""
        n, widest, n_asked = self._mesh.shape[-1], self._radii.max(), _N_ASKED
        best, left = np.full(points.shape[1], np.inf), np.arange(points.shape[1])
        while left.size:
            # all again, since pieces equally far away may stand in another order when more are asked
            far, which = self._middles.query(points.T[left], k=[*range(1, min(n_asked, n) + 1)])
            for off, piece in zip(far.T, which.T, strict=True):
                near = off - self._radii[piece] < best[left]
                some, piece = left[near], piece[near]
                found = _to_pieces(points[:, some], self._mesh[..., piece])
                best[some] = np.minimum(best[some], np.where(off[near] == 0, 0.0, found))
            left = left[far[:, -1] < best[left] + widest] if n_asked < n else left[:0]
            n_asked *= 4
        return best


def _to_pieces(points: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    """Distance of each point (coordinate, point) to its point, segment or triangle (vertex, coordinate, point)."""
    if len(pieces) == 1:
        return np.sqrt(_dot(points - pieces[0], points - pieces[0]))
    pairs = [*itertools.combinations(pieces, 2)]
    nearest = np.sqrt(np.min([_squares_to_segments(points, start, stop) for start, stop in pairs], axis=0))
    if len(pieces) == 2:
        return nearest
    a, b, c = pieces
    normal, to_point = np.cross(b - a, c - a, axis=0), points - a
    above = [_dot(np.cross(y - x, points - x, axis=0), normal) >= 0 for x, y in ((a, b), (b, c), (c, a))]
    off_plane = np.abs(_dot(to_point, normal)) / np.sqrt(_dot(normal, normal))
    return np.where(above[0] & above[1] & above[2], off_plane, nearest)


def _squares_to_segments(points: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    along, to_point = stop - start, points - start
    share = (_dot(to_point, along) / _dot(along, along)).clip(0.0, 1.0)
    off = to_point - share * along
    return _dot(off, off)


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.einsum("in,in->n", one, other)
