"""`python -m segeval` is the same program as `segeval`; both begin here, so that Ctrl-C while importing ends well."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from segeval.cli.app import main

        main()
    except BaseException as error:
        from segeval.errors import chain_of

        if not any(isinstance(link, KeyboardInterrupt) for link in chain_of(error)):
            raise
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
