"""Run the command line as ``python -m rtstate``."""

import sys

from rtstate.cli import main

if __name__ == "__main__":
    sys.exit(main())
