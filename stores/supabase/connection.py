from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import httpx
from supabase import AsyncClient, AsyncClientOptions, create_async_client

from http_messages.http_client import http_client
from stores.supabase.errors import judge_answer
from stores.supabase.project import Project


@dataclass(frozen=True)
class SupabaseConnection:
    """One client and one connection pool for each process and event loop; `close` it before the loop ends."""

    project: Project
    http: httpx.AsyncClient
    client: AsyncClient

    @classmethod
    async def open(cls, project: Project) -> Self:
        """Sends nothing."""
        limits = httpx.Limits(
            max_connections=project.connections, max_keepalive_connections=project.connections, keepalive_expiry=30
        )
        # HTTP/1.1: HTTP/2 would put a hundred uploads on one connection, and lose all of them with it.
        # Waiting for a free connection counts: `within` bounds the whole.
        timeout = httpx.Timeout(project.object_timeout_s, connect=5.0)
        http = http_client(limits=limits, timeout=timeout, on_response=judge_answer)
        client = await create_async_client(
            project.url,
            project.service_role,
            AsyncClientOptions(
                schema=project.schema,
                httpx_client=http,
                auto_refresh_token=False,
                persist_session=False,
                postgrest_client_retry=False,
            ),
        )
        return cls(project, http, client)

    async def close(self) -> None:
        """Let go of the connections; the client itself has nothing to close."""
        await self.http.aclose()
