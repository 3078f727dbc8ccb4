"""``python -m tsdiff`` is `tsdiff.cli.main`."""

from __future__ import annotations

import sys

from tsdiff.cli import main

if __name__ == "__main__":
    sys.exit(main())
