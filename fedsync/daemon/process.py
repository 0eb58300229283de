"""`fedsync run`: hold the home, open the store, listen, call, answer the command line; end cleanly when told to."""

import gc
import logging
import os
import signal
from pathlib import Path

import trio

from fedsync import config, control
from fedsync.admitting import keep_static
from fedsync.daemon.run import Daemon, hash_of
from fedsync.home import Home
from fedsync.node import GC_THRESHOLDS, Node, open_node
from fedsync.store.reading import open_reader

log = logging.getLogger("fedsync")


async def run(home: Home, ready_file: Path | None = None) -> None:
    """Run the node in `home` until SIGTERM or SIGINT. Raises Problems and the store's errors."""
    settings = config.load(home.config)
    gc.set_threshold(*GC_THRESHOLDS)
    with home.lock():
        node = open_node(home)
        try:
            await _run(home, node, settings, ready_file)
        finally:
            node.store.close()


async def _run(home: Home, node: Node, settings: config.Config, ready_file: Path | None) -> None:
    with open_reader(home.store) as reader:
        async with trio.open_nursery() as nursery:
            await _serve(Daemon(home, node, reader, settings, nursery), nursery, ready_file)


async def _serve(daemon: Daemon, nursery: trio.Nursery, ready_file: Path | None) -> None:
    home, node = daemon.home, daemon.node
    try:
        # Before anything else: what is told to stop while it starts must still put its things away.
        await nursery.start(_signals, daemon)
        await daemon.listen()
        async with daemon.links.door.writing() as node:
            for warning in keep_static(node.store, daemon.settings.peers, daemon.key, node.now()):
                log.warning("%s", warning)
        await daemon.refresh()
        for field, names in daemon.settings.naming:
            for name in daemon.unknown_names(names):
                log.warning(
                    "config.toml: no peer is called %s (%s), so that name does nothing yet.", name, field
                )
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(home.listen_control()))
        nursery.start_soon(daemon.links.door.run)
        nursery.start_soon(daemon.links.schedules.run, daemon.links)
        nursery.start_soon(daemon.serve_peers)
        nursery.start_soon(daemon.byways.run)
        nursery.start_soon(daemon.broadcasts.run)
        nursery.start_soon(control.serve, listener, daemon.operate)
        nursery.start_soon(daemon.keep_shown)
        nursery.start_soon(daemon.seal_pages)
        nursery.start_soon(daemon.sticks.watch)
        if daemon.settings.confirm_after_days is not None:
            nursery.start_soon(daemon.confirm_pages, daemon.settings.confirm_after_days)
        nursery.start_soon(daemon.finding.announce)
        nursery.start_soon(daemon.part_from_dropped)
        nursery.start_soon(daemon.steering.run)
        nursery.start_soon(daemon.finding.meet_neighbours)
        nursery.start_soon(daemon.finding.hear_introductions)
        _warn_of_place(node)
        if daemon.listening:
            log.info("running; peers can connect at %s", daemon.listen_text())
        else:
            log.info("running; nobody can call this node, it only calls")
        if ready_file is not None:
            _write_ready(ready_file, daemon.listen_text())
        await daemon.stopping.wait()
        log.info("stopping")
        await daemon.save_shown()
        daemon.links.schedules.finish()
        await daemon.links.door.finish()
        async with daemon.links.door.writing() as node:
            # The reader computes what sets hash to and may not save it: saved now, the next start is quick.
            node.store.buckets.refresh(hash_of)
            # Last, so that nothing goes on between this and the end.
            daemon.relay.settle(node)
        nursery.cancel_scope.cancel()
    finally:
        home.control_socket.unlink(missing_ok=True)
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)


async def _signals(daemon: Daemon, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            daemon.stopping.set()


def _warn_of_place(node: Node) -> None:
    may = node.store.directory.may_write_own_logs()
    if not may.ok:
        log.warning("%s", may.reason)


def _write_ready(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text)
    os.replace(beside, path)
