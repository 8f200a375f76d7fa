"""What `run.json` says of a run besides its tables."""

import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import segeval
from segeval.evidence.probabilities.channels import Form
from segeval.measure import Measure, MeasureCall
from segeval.results import CaseRow
from segeval.results.run_schema import RUN_SCHEMA_VERSION
from segeval.verbs.running.job import Job

SCHEMA_VERSION = 1  # of sweeps


def run_facts(job: Job, notes: Sequence[str], cases: Sequence[CaseRow], *, complete: bool) -> dict[str, Any]:
    """Plan, definitions, versions and timings, ready to be written as JSON."""
    spacings = [row.spacing_mm for row in cases if row.shape]
    length = "mm" if all(spacings) else "mm or px" if any(spacings) else "px"
    shard = job.options.shard
    asked = {name: value for name, value in asdict(job.options).items() if name not in ("resume", "shard", "dask")}
    return {
        "tool": "segeval",
        "kind": "score" if shard is None else "shard",
        **({} if shard is None else {"shard": f"{shard[0]}/{shard[1]}"}),
        "schema_version": RUN_SCHEMA_VERSION,
        "complete": complete,
        "inputs": {"pred": job.pred, "truth": job.truth},
        "plan": asked | {"measures": list(job.options.measures) or ["default"]},
        "plan_from": {name: source for name, source in job.sources.items() if name in asked},
        "definitions": {call.column: _definition(call, job, length=length) for call in job.plan.measures},
        "predictions": _predictions(job.plan.form),
        "ignored_ids": list(job.plan.labels.ignore),
        "device": {"engine": job.plan.engine, "device": job.plan.device},
        "versions": versions(),
        "timings": {"seconds": round(time.perf_counter() - job.started, 3)},
        "warnings": list(notes),
    }


def _predictions(form: Form | None) -> dict[str, Any] | None:
    """What the predictions were found to be, with the class of each channel."""
    if form is None:
        return None
    if form.layout is None:
        return {"kind": form.kind}
    channels = [one.name for one in form.layout.classes]
    return {"kind": form.kind, "channels": channels, "exclusive": form.layout.exclusive}


def _definition(call: MeasureCall, job: Job, *, length: str) -> dict[str, Any]:
    """What a column is.

    Args:
        length: the unit of distances: `px` where no case has a spacing, `mm or px` where some have.
    """
    measure, tool_errors = call.measure, _tool_errors(call)
    given = job.instance_sides
    is_distance = measure.unit == "mm" and not measure.profile
    return {
        "measure": measure.name,
        "kind": measure.kind,
        "formula": measure.formula,
        "parameters": call.all_knobs,
        "bounds": list(measure.bounds),
        "better": measure.better,
        "unit": _unit(call, length),
        "levels": list(measure.per),
        **({"profile": measure.profile} if measure.profile else {}),
        **({"tool_errors": list(tool_errors)} if tool_errors else {}),
        **({"reported": "pooled"} if _is_pooled(measure) else {}),
        **({"needs_probabilities": True} if measure.reads("ProbMaps") else {}),
        **({"needs_logits": True} if measure.reads("LogitsInSpace") else {}),
        **({"empty_distance": job.plan.empty_distance} if is_distance else {}),
        **({"instances": list(given)} if given and measure.reads("Lesions", "LesionCells") else {}),
    }


def _tool_errors(call: MeasureCall) -> tuple[str, ...]:
    if not call.measure.profile:
        return ()
    from segeval.profiles import errors_of

    return errors_of(call.measure)


def _is_pooled(measure: Measure) -> bool:
    if not measure.profile:
        return False
    from segeval.profiles import reports_pooled

    return reports_pooled(measure)


def _unit(call: MeasureCall, length: str) -> str:
    if call.measure.unit != "mm":
        return call.measure.unit
    return "px" if call.all_knobs.get("unit") == "voxel" else length


def versions() -> dict[str, str]:
    """Versions of what took part in the run."""
    took_part = [name for name in ("numpy", "nibabel", "PIL", "SimpleITK", "scipy", "torch") if name in sys.modules]
    return {
        "segeval": segeval.__version__,
        "python": platform.python_version(),
        **{name: sys.modules[name].__version__ for name in took_part},
    }
