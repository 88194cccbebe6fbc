from __future__ import annotations

from tests.browser import running_browser

__all__ = ["running_browser"]
