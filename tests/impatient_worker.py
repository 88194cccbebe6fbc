"""`worker.py` that waits for a silent Temporal server for one second, instead of thirty, before it leaves."""

from __future__ import annotations

import runpy
import sys
from datetime import timedelta
from pathlib import Path

from temporal import worker_lifecycle

if __name__ == "__main__":
    root = Path(__file__).parents[1]
    sys.path[0] = str(root)  # as a script it would find `commands` beside itself
    worker_lifecycle.SERVER_SILENCE = timedelta(seconds=1)
    runpy.run_path(str(root / "worker.py"), run_name="__main__")
