"""Each loss as a module beside its nearest peers: time of a step, and what is kept for the backward pass.

python benchmarks/training.py [--side 64] [--runs 15]     writes benchmarks/results/training.md

Everything runs in this process, one thread, in turns: every contender of a loss once, then all again. A row on CUDA
appears where there is a device.
"""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

import torch
from measuring import machine, version, versions
from torch import Tensor
from torch.nn import functional

from segeval import losses

N_CHANNELS = 4
AIM = 1.2
AIMED = ("Dice", "Dice, sigmoid", "Dice + CE", "CE", "Tversky", "focal", "focal, sigmoid", "generalised Dice", "BCE")
Contenders = dict[str, Callable[[Tensor, Tensor], Tensor]]

HEAD = """\
# Losses in training

`{command}` on {machine}.

A batch of 2 cases of {side}³ voxels in float32, {channels} channels under a softmax and 1 under a sigmoid, class ids in
int64, forward and backward, one thread. Times are medians of {runs} runs in turns; a ratio is the median of the ratios
to the best peer of the same turn. *Kept* is every distinct tensor that autograd holds between forward and backward,
the inputs among them, in multiples of the logits. Asked for is at most {aim} of the best peer, for the losses in bold.
A binary cross-entropy is so short that two looks at the voxels show, at the ids and for infinite logits: a tenth of
it by themselves, and a ratio between 1.06 and 1.23 from run to run where other work shares the machine. Lovász
carries whose voxel it is and how much it counts through the sort, where that peer takes errors alone.

"""


def contenders() -> dict[str, Contenders]:
    """For each loss, ours first and then its peers, as functions of logits and class ids (B, 1, ...)."""
    from monai import losses as monai

    softmax: dict[str, Any] = {"softmax": True, "to_onehot_y": True}
    ours: dict[str, Any] = {"activation": "softmax"}
    found: dict[str, Contenders] = {
        "Dice": {"segeval": losses.DiceLoss(**ours), "MONAI": monai.DiceLoss(**softmax)},
        "Dice, sigmoid": {"segeval": losses.DiceLoss(), "MONAI": monai.DiceLoss(sigmoid=True)},
        "Dice + CE": {"segeval": losses.DiceCELoss(classes="all"), "MONAI": monai.DiceCELoss(**softmax)},
        "CE": {
            "segeval": losses.CrossEntropyLoss(),
            "torch": lambda pred, truth: functional.cross_entropy(pred, truth[:, 0]),
        },
        "Tversky": {"segeval": losses.TverskyLoss(**ours), "MONAI": monai.TverskyLoss(**softmax)},
        "focal": {
            "segeval": losses.FocalLoss(alpha=None, **ours),
            "MONAI": monai.FocalLoss(use_softmax=True, to_onehot_y=True),
        },
        "focal, sigmoid": {"segeval": losses.FocalLoss(), "MONAI": monai.FocalLoss(alpha=0.25)},
        "generalised Dice": {"segeval": losses.GeneralizedDiceLoss(), "MONAI": monai.GeneralizedDiceLoss(**softmax)},
        "BCE": {
            "segeval": losses.BCELoss(),
            "torch": lambda pred, truth: functional.binary_cross_entropy_with_logits(pred, truth.to(pred.dtype)),
        },
        "Jaccard": {"segeval": losses.IoULoss(**ours), "MONAI": monai.DiceLoss(jaccard=True, **softmax)},
        "focal Tversky": {"segeval": losses.FocalTverskyLoss(**ours), "MONAI": monai.TverskyLoss(**softmax)},
        "exp-log": {"segeval": losses.ExpLogLoss(), "MONAI": monai.DiceCELoss(**softmax)},
        "Dice + focal": {"segeval": losses.DiceFocalLoss(), "MONAI": monai.DiceFocalLoss(**softmax)},
        "Lovász softmax": {"segeval": losses.LovaszSoftmaxLoss()},
    }
    if version("segmentation-models-pytorch"):
        from segmentation_models_pytorch import losses as smp

        found["Dice"]["smp"] = smp.DiceLoss("multiclass")
        found["Dice, sigmoid"]["smp"] = smp.DiceLoss("binary")
        found["Tversky"]["smp"] = smp.TverskyLoss("multiclass", alpha=0.3, beta=0.7)
        found["focal"]["smp"] = lambda pred, truth: smp.FocalLoss("multiclass")(pred, truth[:, 0])
        found["focal, sigmoid"]["smp"] = smp.FocalLoss("binary", alpha=0.25)
        found["Jaccard"]["smp"] = smp.JaccardLoss("multiclass")
        found["Lovász softmax"]["smp"] = lambda pred, truth: smp.LovaszLoss("multiclass")(pred, truth[:, 0])
        found["BCE"]["smp"] = lambda pred, truth: smp.SoftBCEWithLogitsLoss()(pred, truth.to(pred.dtype))
    return found


def a_batch(name: str, side: int, device: str) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    n = 1 if "sigmoid" in name or name == "BCE" else N_CHANNELS
    pred = torch.randn(2, n, side, side, side).to(device).requires_grad_()
    return pred, torch.randint(0, max(n, 2), (2, 1, side, side, side)).to(device)


def kept_bytes(loss: Callable[[Tensor, Tensor], Tensor], pred: Tensor, truth: Tensor) -> int:
    """Bytes of the distinct storages that autograd holds after the forward pass."""
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = loss(pred, truth)
    value.backward()
    return sum(storages.values())


def seconds_of_a_step(loss: Callable[[Tensor, Tensor], Tensor], pred: Tensor, truth: Tensor) -> float:
    pred.grad = None
    synchronise = torch.cuda.synchronize if pred.is_cuda else lambda: None
    clock = time.perf_counter if pred.is_cuda else time.process_time  # a busy machine distorts the latter least
    synchronise()
    start = clock()
    loss(pred, truth).backward()
    synchronise()
    return clock() - start


def rows(side: int, runs: int, device: str) -> Iterator[list[str]]:
    """One row a loss: ours and every peer, then the ratios to the best of them."""
    for name, of_loss in contenders().items():
        pred, truth = a_batch(name, side, device)
        size = pred.numel() * pred.element_size()
        kept = {who: kept_bytes(loss, pred, truth) / size for who, loss in of_loss.items()}
        turns = [{who: seconds_of_a_step(loss, pred, truth) for who, loss in of_loss.items()} for _ in range(runs + 1)][
            1:
        ]
        peers = [who for who in of_loss if who != "segeval"]
        times = {who: median(turn[who] for turn in turns) for who in of_loss}
        shown = [f"{who} {1000 * times[who]:.1f}" for who in of_loss], [f"{who} {kept[who]:.2f}" for who in of_loss]
        slower = median(turn["segeval"] / min(turn[who] for who in peers) for turn in turns) if peers else None
        more = kept["segeval"] / min(kept[who] for who in peers) if peers else None
        print(f"{name}: {shown}", file=sys.stderr)
        title = f"**{name}**" if name in AIMED else name
        yield [title, ", ".join(shown[0]), _ratio(slower), ", ".join(shown[1]), _ratio(more)]


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def table(side: int, runs: int, device: str) -> str:
    titles = ["loss", "ms a step", "time / best peer", "kept / logits", "kept / best peer"]
    lines = [titles, ["---"] * len(titles), *rows(side, runs, device)]
    return f"## {device.upper()}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--side", type=int, default=64, help="edge of the cube in voxels")
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    head = HEAD.format(
        command=f"python benchmarks/training.py --side {options.side} --runs {options.runs}",
        machine=machine(),
        side=options.side,
        channels=N_CHANNELS,
        runs=options.runs,
        aim=AIM,
    )
    tables = table(options.side, options.runs, "cpu")
    on_cuda = table(options.side, options.runs, "cuda") if torch.cuda.is_available() else "## CUDA\n\nnot run\n"
    known = versions(["segeval", "torch", "monai", "segmentation-models-pytorch"])
    report = f"{head}{tables}\n{on_cuda}\nWith {known}.\n"
    out = Path(__file__).parent / "results" / "training.md"
    out.write_text(report, encoding="utf-8")
    print(report)


if __name__ == "__main__":
    main()
