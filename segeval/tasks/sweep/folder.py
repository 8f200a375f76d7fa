"""The folder of a sweep: `sweep.csv`, further formats, further tables, figures, and `run.json` last."""

import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import segeval
from segeval.io.files import write_text_atomically
from segeval.io.outputs import RUN_FILE, prepare_output_folder
from segeval.io.tables import write_json_atomically
from segeval.options import SweepOptions
from segeval.tasks.sweep.draw import draw_pictures
from segeval.tasks.sweep.papers import PaperTable
from segeval.tasks.sweep.render import SUFFIX, csv_text, render, table_document
from segeval.tasks.sweep.table import SweepTable
