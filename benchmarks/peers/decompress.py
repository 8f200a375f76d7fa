"""What no tool can do without: read the files of two folders and decompress them with ISA-L."""

import sys
from pathlib import Path

from isal import igzip

for folder in map(Path, sys.argv[1:]):
    for path in sorted(folder.glob("*.nii.gz")):
        igzip.decompress(path.read_bytes())
