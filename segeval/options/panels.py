"""The boxes of `--help`, in their order on the screen."""

SETTINGS = "Settings"
INPUT = "Input"
CLASSES = "Classes"
GEOMETRY = "Geometry"
NUMBERS = "Numbers"
THRESHOLDS = "Thresholds (--maps)"
MAPS_OF_FOCAL = "Focal loss (--maps, --cdf)"
TRAINED = "Trained models (--runs, --train)"
TRAINING = "Training (--train)"
OUTPUT = "Output"
RUNNING = "Running"

IN_ORDER = (
    *(SETTINGS, INPUT, CLASSES, GEOMETRY, NUMBERS, THRESHOLDS, MAPS_OF_FOCAL),
    *(TRAINED, TRAINING, OUTPUT, RUNNING),
)
