"""A network between a coordinator and its workers, to be made worse.

    with Proxy(run) as proxy:       # workers that start now come through it
        proxy.refuse()              # cut: connections end, new ones are refused
        proxy.drop()                # connections end, new ones are served
        proxy.stall()               # a black hole: all is taken, nothing passed
        proxy.forget()              # half open: what is open stays so, silent
        proxy.trickle(100)          # so many bytes a second and direction
        proxy.passes()              # all is well again
"""

import asyncio
import contextlib
import json
import os
import threading


class Proxy:
    """Between the address in coordinator.json of a run, which it replaces by
    its own, and the coordinator. Commands hold when they return."""

    def __init__(self, run):
        self.file = run / "coordinator.json"
        address = json.loads(self.file.read_text())
        self.target = (address["host"], address["port"])
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.pairs = []
        self.rate = None  # bytes a second; None: all there is
        self.server = None
        self.port = 0
        self.flowing = None  # an asyncio.Event, of the loop
        self._do(self._start())
        address.update(host="127.0.0.1", port=self.port)
        new = self.file.with_suffix(".proxy")
        new.write_text(json.dumps(address))
        os.replace(new, self.file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.refuse()
        self._do(self._settle())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def passes(self):
        self._do(self._pass())

    def refuse(self):
        self._do(self._refuse())

    def drop(self):
        self._do(self._drop())

    def stall(self):
        self._do(self._set_flow(False))

    def forget(self):
        self._do(self._forget())

    def trickle(self, rate):
        self._do(self._set_rate(rate))

    def open_connections(self):
        return len(self.pairs)

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _settle(self):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _start(self):
        self.flowing = asyncio.Event()
        self.flowing.set()
        await self._listen()

    async def _listen(self):
        self.server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, reuse_address=True)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _pass(self):
        self.rate = None
        self.flowing.set()
        if self.server is None:
            await self._listen()

    async def _refuse(self):
        if self.server is not None:
            self.server.close()
            self.server = None
        await self._drop()

    async def _drop(self):
        for pair in self.pairs:
            pair.end()
        self.pairs = []

    async def _set_flow(self, flows):
        (self.flowing.set if flows else self.flowing.clear)()

    async def _set_rate(self, rate):
        self.rate = rate

    async def _forget(self):
        for pair in self.pairs:
            pair.forgotten = True

    async def _serve(self, reader, writer):
        pair = Pair(writer)
        self.pairs.append(pair)
        # Nothing comes of a connection into a black hole.
        await self.flowing.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        if pair.ended:
            far_writer.transport.abort()
            return
        pair.writers.append(far_writer)
        await asyncio.gather(self._copy(pair, reader, far_writer),
                             self._copy(pair, far_reader, writer))
        if pair in self.pairs and not pair.forgotten:
            self.pairs.remove(pair)

    async def _copy(self, pair, reader, writer):
        with contextlib.suppress(OSError):
            while True:
                data = await reader.read(self.rate or 65536)
                await self.flowing.wait()
                if pair.forgotten:
                    return
                if not data:
                    break
                if self.rate is not None:
                    await asyncio.sleep(len(data) / self.rate)
                writer.write(data)
                await writer.drain()
        if not pair.forgotten:
            pair.end()


class Pair:
    """The two ends of one connection."""

    def __init__(self, writer):
        self.writers = [writer]
        self.forgotten = False
        self.ended = False

    def end(self):
        self.ended = True
        for writer in self.writers:
            writer.transport.abort()
