"""`python -m segeval` is the same program as `segeval`; both begin here, so that Ctrl-C while importing ends well."""

import gc
import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its code."""
    gc.set_threshold(50_000, 20, 100)  # rows come by the hundred thousand and make no cycles to look for
    try:
        from segeval.cli.app import main

        main()
    except BaseException as error:
        from segeval.errors import chain_of

        if not any(isinstance(link, KeyboardInterrupt) for link in chain_of(error)):
            raise
        sys.exit(INTERRUPTED)
    finally:
        gc.disable()  # or Python looks once more through all that goes away with the process


if __name__ == "__main__":
    main()
