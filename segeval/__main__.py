"""`python -m segeval` is the same program as `segeval`."""

from segeval.cli.app import main

if __name__ == "__main__":
    main()
