"""The bundled sample: small made-up images, so that a command has something to work on."""

from pathlib import Path

from segeval.errors import ConfigError

_HERE = Path(__file__).parent
_PLACES = (_HERE / "sample_data", _HERE.parent / "sample_data")  # in a wheel, and in a checkout


def sample_folder() -> Path:
    """The folder with `gt`, `pred`, `probs`, `images` and `labels.yaml`.

    Raises:
        ConfigError: it was not installed.
    """
    for place in _PLACES:
        if (place / "labels.yaml").is_file():
            return place
    raise ConfigError("The sample data are not installed beside segeval. Name two folders of your own instead.")
