"""The actions that Temporal Cloud would bill, as the development server counts them."""

from __future__ import annotations

import re
from collections import Counter

import httpx
import psutil

_COUNT = re.compile(r'^action\{action_type="(?:command|grpc)_(\w+)",namespace="default".*\} (\d+)$', re.MULTILINE)


async def billed_actions(pid: int) -> Counter[str]:
    """By kind, since that server's process began. The page is up to a second behind."""
    ports = [one.laddr.port for one in psutil.Process(pid).net_connections() if one.status == psutil.CONN_LISTEN]
    async with httpx.AsyncClient() as client:
        for port in ports:
            try:
                page = await client.get(f"http://127.0.0.1:{port}/metrics")
            except httpx.HTTPError:  # one of its other ports
                continue
            if page.is_success:
                counted = Counter[str]()
                for kind, count in _COUNT.findall(page.text):
                    counted[kind] += int(count)
                return counted
    raise RuntimeError("the server has no page of metrics")
