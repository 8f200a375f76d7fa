"""One process of a training, for the test that starts two: `evaluator_process.py MEETING RANK FOLDER`."""

import sys
from pathlib import Path

import torch.distributed as dist

import segeval
from tests.verbs.test_evaluator import GROUPS, IDS, LABELS, SPACING, maps, masks


def main(meeting: str, rank: int, folder: Path) -> None:
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    pred, (_, truth) = maps("softmax"), masks()
    evaluator = segeval.Evaluator(GROUPS, LABELS, SPACING, bootstrap=0)
    for batch in ([0, 2], [3]) if rank == 0 else ([1, 0],):
        evaluator.update(pred[batch], truth[batch], case_id=[IDS[i] for i in batch])
    keep(evaluator.compute(), folder / f"uneven_{rank}.pkl")
    evaluator.write(folder / "run")
    evaluator.reset()
    if rank == 1:
        evaluator.update(pred, truth, case_id=IDS)
    keep(evaluator.compute(), folder / f"empty_{rank}.pkl")
    evaluator.reset()
    complaint(evaluator, folder / f"nothing_{rank}.txt")
    evaluator.update(pred[[rank]], truth[[rank]], case_id=["a"])
    complaint(evaluator, folder / f"other_{rank}.txt")
    dist.destroy_process_group()


def keep(results: segeval.Results, path: Path) -> None:
    results.to_pandas("scores").drop(columns=["pred_file", "truth_file"], errors="ignore").to_pickle(path)


def complaint(evaluator: segeval.Evaluator, path: Path) -> None:
    try:
        evaluator.compute()
    except segeval.DataError as error:
        path.write_text(str(error))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
