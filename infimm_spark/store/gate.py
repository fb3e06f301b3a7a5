"""A cap on connections that are open at the same time, over all Python workers of a cluster.

The driver holds the places. A worker that is about to read opens a socket to the driver, shows the
run's token and waits for one byte: its place. The place is free again when the socket closes, which
the operating system does for a worker that is killed, too.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
import threading
from dataclasses import dataclass, field

from infimm_spark.errors import StoreError

_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class GateAddress:
    """Where a worker asks for a place. The token is no credential of any store; it is not shown."""

    host: str
    port: int
    token: str = field(repr=False)


class ConnectionGate:
    """The driver's side: `places` connections at a time. Close it when the run is over."""

    def __init__(self, places: int, host: str = "127.0.0.1", bind: str | None = None) -> None:
        self._places = places
        self._token = secrets.token_hex(_TOKEN_BYTES)
        self._socket = socket.create_server((bind or host, 0), backlog=1024)
        self.address = GateAddress(host, self._socket.getsockname()[1], self._token)
        self.most_open = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="connection-gate", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop giving places; who holds one keeps it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        free = asyncio.Semaphore(self._places)
        taken = 0

        async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal taken
            try:
                shown = await asyncio.wait_for(reader.readexactly(2 * _TOKEN_BYTES), 30)
                if not hmac.compare_digest(shown, self._token.encode()):
                    return
                async with free:
                    taken += 1
                    self.most_open = max(self.most_open, taken)
                    try:
                        writer.write(b"+")
                        await writer.drain()
                        await reader.read(1)  # until the worker hangs up
                    finally:
                        taken -= 1
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                return
            finally:
                writer.close()

        server = self._loop.run_until_complete(asyncio.start_server(attend, sock=self._socket))
        try:
            self._loop.run_forever()
        finally:
            server.close()
            pending = asyncio.all_tasks(self._loop)
            for task in pending:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
            self._loop.close()


def take_place(address: GateAddress) -> socket.socket:
    """Wait for a place; closing the socket gives it back. Raises `StoreError` without a driver."""
    where = f"the driver's connection gate at {address.host}:{address.port}"
    try:
        held = socket.create_connection((address.host, address.port), timeout=30)
    except OSError as error:
        raise StoreError(f"{where} cannot be reached: {error.strerror or error}") from None
    try:
        # A place may be long in coming; a driver that is gone resets the connection.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        held.settimeout(None)
        held.sendall(address.token.encode())
        granted = held.recv(1) == b"+"
    except OSError:
        granted = False
    if not granted:
        held.close()
        raise StoreError(f"{where} gives no connection: its run has ended")
    return held
