"""What `run.json` says of a run besides its tables."""

import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import segeval
from segeval.engine.plan import Plan
from segeval.measure import MeasureCall
from segeval.options import ScoreOptions

SCHEMA_VERSION = 1


def run_facts(
    options: ScoreOptions, plan: Plan, notes: Sequence[str], *, seconds: float, complete: bool
) -> dict[str, Any]:
    """Plan, definitions, label map, versions and timings, ready to be written as JSON."""
    return {
        "tool": "segeval",
        "kind": "score",
        "schema_version": SCHEMA_VERSION,
        "complete": complete,
        "plan": asdict(options),
        "definitions": {call.column: _definition(call) for call in plan.measures},
        "device": {"engine": plan.engine, "device": plan.device},
        "versions": _versions(),
        "timings": {"seconds": round(seconds, 3)},
        "warnings": list(notes),
    }


def _definition(call: MeasureCall) -> dict[str, Any]:
    measure = call.measure
    return {
        "measure": measure.name,
        "kind": measure.kind,
        "formula": measure.formula,
        "parameters": call.all_knobs,
        "bounds": list(measure.bounds),
        "better": measure.better,
        "unit": measure.unit,
        "levels": list(measure.levels),
    }


def _versions() -> dict[str, str]:
    """Versions of what took part in the run."""
    took_part = [name for name in ("numpy", "nibabel", "PIL", "SimpleITK", "scipy", "torch") if name in sys.modules]
    return {
        "segeval": segeval.__version__,
        "python": platform.python_version(),
        **{name: sys.modules[name].__version__ for name in took_part},
    }
