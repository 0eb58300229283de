"""A network in memory, under trio's own sockets: listening, dialling, bytes in order, and cuts without a goodbye.

It is handed to trio as its socket factory, so what runs above it is the program's own: TCP's dialling and listening
in `fedsync.gossip.tcp`, TLS, links. Sockets of other families (the control socket) stay the system's.
"""

import errno
import os
import socket
from contextlib import suppress
from math import inf
from typing import Any

import trio
from trio.testing import memory_stream_pair

Memory = trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]


class Wire(trio.abc.SocketFactory):
    """All sockets of one world."""

    def __init__(self) -> None:
        self.listening: dict[int, Socket] = {}
        self.connected: list[Socket] = []

    def socket(self, family: int | None = None, type: int | None = None, proto: int | None = None) -> Any:
        """Return a new socket, as trio asks."""
        if family != socket.AF_INET:
            return trio.socket.from_stdlib_socket(socket.socket(family or -1, type or -1, proto or -1))
        return Socket(self)

    def cut(self) -> None:
        """Break all connections at once; nobody is told more than that they broke."""
        for each in self.connected:
            each.close()
        self.connected.clear()

    def vacate(self, port: int) -> None:
        """Close what listens at a port: its process is gone."""
        if port in self.listening:
            self.listening[port].close()


class Socket(trio.socket.SocketType):
    """One end of a connection, or what listens at a port."""

    family, type, proto = socket.AF_INET, socket.SOCK_STREAM, 0
    did_shutdown_SHUT_WR = False

    def __init__(self, wire: Wire, stream: Memory | None = None, port: int = 0) -> None:
        self._wire, self._stream, self._port = wire, stream, port
        self._closed = self._listens = False
        self._put, self._callers = trio.open_memory_channel[Socket](inf)

    # --- To listen and to call ---

    async def bind(self, address: Any) -> None:
        self._port = address[1]

    def listen(self, backlog: int = 0) -> None:
        if self._port in self._wire.listening:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self._listens = True
        self._wire.listening[self._port] = self

    async def accept(self) -> Any:
        return await self._callers.receive(), ("127.0.0.1", 0)

    async def connect(self, address: Any) -> None:
        await trio.lowlevel.checkpoint()
        there = self._wire.listening.get(address[1])
        if there is None:
            raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        ours, theirs = memory_stream_pair()
        self._stream, other = ours, Socket(self._wire, theirs)
        self._wire.connected += [self, other]
        there._put.send_nowait(other)

    # --- Bytes ---

    async def send(self, data: Any, flags: int = 0) -> int:
        assert self._stream is not None
        size = len(data)
        await self._stream.send_all(bytes(data))
        return size

    async def recv(self, size: int, flags: int = 0) -> bytes:
        assert self._stream is not None
        return bytes(await self._stream.receive_some(size))

    async def wait_writable(self) -> None:
        await trio.lowlevel.checkpoint()

    # --- The rest ---

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._wire.listening.get(self._port) is self:
            del self._wire.listening[self._port]
            # Who called and was not answered yet is hung up on, as the system does.
            with suppress(trio.WouldBlock):
                while True:
                    self._callers.receive_nowait().close()
            self._callers.close()
        if self._stream is not None:
            self._stream.send_stream.close()
            self._stream.receive_stream.close()

    def fileno(self) -> int:
        return -1 if self._closed else 1_000_000

    def getpeername(self) -> Any:
        if self._closed:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return "127.0.0.1", 0

    def getsockname(self) -> Any:
        return "127.0.0.1", self._port

    def getsockopt(self, level: int, option: int, size: int | None = None) -> Any:
        return int(self._listens)

    def setsockopt(self, level: int, option: int, value: Any, size: int | None = None) -> None:
        pass
