"""The options of `segeval sweep --runs` and `--train`, as annotated types."""

from typing import Annotated

from segeval.cli.options import option

TRAINED, TRAINING = "Trained models (--runs, --train)", "Training (--train)"

Losses = Annotated[
    list[str] | None,
    option(
        "--loss", help="Of `sweep losses`: a loss such as tversky_loss(alpha=0.3,beta=0.7); repeatable.", panel=TRAINED
    ),
]
Vary = Annotated[str | None, option("--vary", help="The one parameter that rows may differ in.", panel=TRAINED)]
Optimise = Annotated[
    str | None,
    option("--optimise", help="A parameter whose best value each row takes, chosen on other cases.", panel=TRAINED),
]
By = Annotated[str, option("--by", help="The metric that --optimise chooses by.", panel=TRAINED)]
AllowMissing = Annotated[
    bool, option("--allow-missing", help="Compare on the cases that all rows have.", panel=TRAINED)
]

Holdout = Annotated[float, option("--holdout", help="Share of the cases that are not trained on.", panel=TRAINING)]
Folds = Annotated[int, option("--folds", help="Train in K folds instead, and report every case.", panel=TRAINING)]
Seeds = Annotated[str | None, option("--seeds", help="Train each setting once per seed: 0,1,2.", panel=TRAINING)]
Iterations = Annotated[int | None, option("--iterations", help="Steps of every training; 300.", panel=TRAINING)]
Batch = Annotated[int | None, option("--batch", help="Patches in a step; 8.", panel=TRAINING)]
Patch = Annotated[
    str | None, option("--patch", help="Size of a patch in voxels: 96,96, or in 3-D 48,48,16.", panel=TRAINING)
]
Dimensions = Annotated[int, option("--dimensions", help="2: slices of volumes. 3: volumes.", panel=TRAINING)]
LearningRate = Annotated[float | None, option("--learning-rate", help="At the start; 0.01.", panel=TRAINING)]
Network = Annotated[str, option("--network", help="unet, or monai (needs segeval\\[train]).", panel=TRAINING)]
Width = Annotated[int, option("--width", help="Features of the network's first level.", panel=TRAINING)]
Protocol = Annotated[
    str, option("--protocol", help="quick, or paper: 5000 steps of Adam in two folds.", panel=TRAINING)
]
ThenMaps = Annotated[
    bool, option("--then-maps", help="Also sweep thresholds of the baseline's own maps.", panel=TRAINING)
]
