"""A Temporal server's front door that is shut for some calls: in front of a real server, with a status of one's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import grpc
from typing_extensions import override


class _Forwarding(grpc.GenericRpcHandler):
    """Every call goes to `channel` as it came, except those that `refusals` name."""

    def __init__(self, channel: grpc.aio.Channel, refusals: Mapping[str, grpc.StatusCode]) -> None:
        self._channel = channel
        self._refusals = refusals

    @override
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        return grpc.unary_unary_rpc_method_handler(self._handler(handler_call_details.method))

    def _handler(self, method: str) -> Callable[[bytes, grpc.aio.ServicerContext[bytes, bytes]], Awaitable[bytes]]:
        async def answer(body: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            code = self._refusals.get(method.rpartition("/")[2])
            if code is not None:
                await context.abort(code, "the test says so")
            call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(method)
            try:
                return await call(body, timeout=context.time_remaining())
            except grpc.aio.AioRpcError as exc:
                return await context.abort(exc.code(), exc.details() or "", tuple(exc.trailing_metadata()))

        return answer


@asynccontextmanager
async def frontend(address: str, **refusals: grpc.StatusCode) -> AsyncIterator[str]:
    """The address of a door to the server at `address`; `refusals` maps a call's name to what it is answered."""
    async with grpc.aio.insecure_channel(address) as channel:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((_Forwarding(channel, refusals),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(0)
