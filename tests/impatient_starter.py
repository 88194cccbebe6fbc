"""`starter.py` whose workers wait for a silent Temporal server for one second: see `tests/impatient_worker.py`."""

from __future__ import annotations

import runpy
from pathlib import Path

from commands import worker_process

if __name__ == "__main__":
    worker_process._WORKER = Path(__file__).with_name("impatient_worker.py")
    runpy.run_path(str(Path(__file__).parents[1] / "starter.py"), run_name="__main__")
