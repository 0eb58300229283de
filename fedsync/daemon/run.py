"""One running node: whom it lets in and calls, what it answers the command line, what it writes by itself. See `process`."""

import logging
import ssl
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import trio

from fedsync import config, keyring
from fedsync.admitting import Whom, names_of, whom
from fedsync.confirming import confirm_pages
from fedsync.crdt import fold
from fedsync.crdt.books.fellows import Fellow
from fedsync.crdt.books.kin import Circulation
from fedsync.daemon import joining
from fedsync.daemon.broadcasting import Broadcasts
from fedsync.daemon.byways import Byways
from fedsync.daemon.dialler import OVER_RELAYS, Dialler, jitter
from fedsync.daemon.finding import Finding
from fedsync.daemon.freshening import Freshening
from fedsync.daemon.links import Links
from fedsync.daemon.relay import Relay
from fedsync.daemon.status import peers_now, save_peers
from fedsync.daemon.steering import VIEWS, Steering
from fedsync.daemon.sticks import Sticks
from fedsync.daemon.through import Through
from fedsync.doors import follow_kin, once_in, take_own
from fedsync.errors import Exit, Problem
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import Peer
from fedsync.gossip.gate import Gate
from fedsync.gossip.limits import BUCKET_DEPTH
from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.relayed import Relayed
from fedsync.gossip.schedule.terms import Terms
from fedsync.gossip.secure import answer_over
from fedsync.gossip.tcp import serve
from fedsync.gossip.tls import listen_context
from fedsync.gossip.trie import node_hash
from fedsync.home import Home
from fedsync.intake import Share
from fedsync.linking import OtherLink
from fedsync.node import Node
from fedsync.operations import perform
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Key, PageId, Scope
from fedsync.sealing import seal_pages
from fedsync.store.holdings import StoreHoldings
from fedsync.store.model import Item
from fedsync.store.store import Store

SEAL_SECONDS = 3600.0
"""How often it is looked what may be sealed or carried when nothing comes: some waits for its hour (`sealing`)."""
CONFIRM_SECONDS = 600.0
"""How often it is asked whether the time to object is over, when nothing comes: days are waited for."""
SAVE_SECONDS = 30.0
"""How often what people are shown of peers is kept, for when the daemon is down."""

REST = 3.0
"""How many times as long as it took it is not asked again whom to let in, when books have changed."""

log = logging.getLogger("fedsync")


class Daemon:
    """One running node."""

    def __init__(
        self, home: Home, node: Node, reader: Store, settings: config.Config, nursery: trio.Nursery
    ) -> None:
        self.home, self.node, self.settings = home, node, settings
        self.private = keyring.load_node_key(home)
        self.key = public_key(self.private)
        limits = settings.limits
        node.follow_limit = limits.followed_bodies
        node.intake.author = Share.of_megabytes(
            limits.author_records_per_hour,
            limits.author_megabytes_per_hour,
            limits.author_records_per_day,
            limits.author_megabytes_per_day,
        )
        node.intake.body = Share.of_megabytes(
            limits.body_records_per_hour,
            limits.body_megabytes_per_hour,
            limits.body_records_per_day,
            limits.body_megabytes_per_day,
        )
        # Gossip reads beside the writer: what it sees is committed, and a commit that waits for the disk
        # does not hold up links.
        self.reader = reader
        own = next((each.scope for each in reader.followed.all() if each.source == "own"), None)
        self.freshening = Freshening(reader.freshness.all(), own, node.now)
        engine = Engine(StoreHoldings(reader, hash_of), self.freshening.hints)
        self.links = Links(node, engine, self.key, self.name_of)
        self.links.level = lambda peer, told: self.freshening.level(peer, engine.following(peer), told)
        self.links.most = settings.limits.peers
        self.links.changed = self._link_changed
        self.links.counter = lambda: reader.journal.counter
        self._authority = trio.Event()
        """Set when pages or voices came: there may be something to seal."""
        self._authority.set()
        self._results = trio.Event()
        """Set when pages came, and before they are looked at for the first time: results may wait for our word."""
        self._results.set()
        self.links.authority_came = self._authority_came
        self._nodes_changed = trio.Event()
        self.links.nodes_changed = lambda: self._nodes_changed.set()
        self._bodies_changed = False
        """Whether a body is followed of which peers were not told: first it is looked at who may have what of it."""
        self.links.bodies_changed = self._follows_changed
        self.whom = Whom({}, {}, {}, {})
        """Whom this node exchanges with, and who stays out."""
        self.links.keeps_out = self._keeps_out
        self.dialler = Dialler(self.links, self.private, nursery, jitter)
        self.dialler.listens = settings.listen is not None
        kept = node.store.meta.data(VIEWS)
        self.steering = Steering(
            Peer(self.key), self.links, self.dialler.try_once, nursery, kept, self._score
        )
        self.through = Through(
            self.links, self.private, nursery, jitter, self.answer, self._secure_relayed, self.name_of
        )
        self.dialler.through = self.through
        self.byways = Byways(self.links, self.private, nursery)
        self.broadcasts = Broadcasts(self)
        self.relay = Relay(self.links, settings.relay, self._is_known)
        self.finding = Finding(self, jitter)
        self.sticks = Sticks(self)
        self.gate = Gate()
        self.listening: list[trio.SocketListener] = []
        self.stopping = trio.Event()
        self._refreshing = trio.Lock()
        self._view = reader.state(fold.TABLES, fold.VERSION)
        self._names: dict[Peer, str] = {}
        """What nodes are called that books name: those that were asked for."""
        self._allowed: set[Key] = set()
        self._trusted: set[Key] | None = None
        """Whose keys the context of the listener is made for."""
        self._context: ssl.SSLContext | None = None

    # --- Who may come in --------------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Take what the store says of peers and invitations: whom to call, whom to let in, whom to drop."""
        # What is durable must be known here too, when whoever did it is cancelled meanwhile: nobody else would ask.
        with trio.CancelScope(shield=True):
            # One at a time: a slow one that read earlier must not have the last word.
            async with self._refreshing:
                await self._refresh()

    async def _refresh(self) -> None:
        async with self.links.door.writing() as node:
            invited = joining.open_invitations(node)
            lacking = await trio.to_thread.run_sync(_lacking, node)
            heard = self.links.heard(lacking)
            more = bool(lacking) and await trio.to_thread.run_sync(follow_kin, node, heard)
            self.whom = await trio.to_thread.run_sync(
                whom, node.store, node.state, self.key, self.settings.listen
            )
            circulation, own = await trio.to_thread.run_sync(_circulation, node)
            curious = not node.kindred.strict or bool(lacking) or bool(node.sought)
        # Before anything is told of bodies that are new: what stays within a region must not be offered first.
        self.links.entitle(lambda peer: circulation.near(Key(peer), own, Key(peer) in self.whom.peers))
        self.links.wonder(curious)
        if more or self._bodies_changed:
            self._bodies_changed = False
            self.links.followed()
        now = self.whom
        trusted = [key for key in (*now.peers, *now.named) if now.lets_in(key)] + invited
        # Whom the operator removed or a body's book dropped is out at once, before anything that takes time.
        self._allowed &= set(trusted)
        for peer in list(self.links.connections):
            if not now.lets_in(Key(peer)):
                self.links.drop(peer, now.why_out(Key(peer)))
        for peer in [peer for peer in self.links.back_off if not now.lets_in(Key(peer))]:
            # Whom the operator takes back is heard at once.
            del self.links.back_off[peer]
        self.call()
        if set(trusted) != self._trusted:
            # A thousand keys take a fifth of a second to prepare, so it is done in a thread and swapped.
            context = await trio.to_thread.run_sync(listen_context, self.private, trusted)
            self._context, self._trusted = context, set(trusted)
        self._allowed = set(trusted)
        self.relay.refresh()

    def call(self) -> None:
        """Call the operator's peers, and whom the overlay chooses among the nodes that books name."""
        active = {
            Peer(key): self._with_places(key, at)
            for key, at in self.whom.peers.items()
            if self.whom.lets_in(key)
        }
        waits = self.settings.waits or self.settings.listen is None
        self.through.want(self._relays(active), Peer(self.key) if waits else None)
        self.links.schedules.want(self._terms())
        self.dialler.want(active)
        self.byways.want(self._ways())
        self.steering.know(self.candidates(), [Key(peer) for peer in active])

    def candidates(self) -> tuple[Fellow, ...]:
        """Return the nodes of the bodies around ours, with where they can be called: none that has to stay out."""
        return tuple(
            each._replace(
                addresses=self._with_places(each.key, each.addresses) or self._over_relays(Peer(each.key))
            )
            for each in self.whom.fellows
        )

    def _over_relays(self, peer: Peer) -> tuple[str, ...]:
        # Where most nodes only call, the few that listen have no place for all: they must meet each other.
        return (OVER_RELAYS,) if self.through.ways(peer) else ()

    def _with_places(self, key: Key, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """Return where a node is called: first where it was heard on the local network."""
        return tuple(dict.fromkeys((*self.finding.places(key), *addresses)))

    def _relays(self, active: dict[Peer, tuple[str, ...]]) -> dict[Peer, tuple[str, ...]]:
        """Return the nodes that relay, by our operator's word or their own, with their addresses."""
        wanted = {each.casefold() for each in self.settings.through}
        found = {
            peer: addresses
            for peer, addresses in active.items()
            if addresses and (self.name_of(peer).casefold() in wanted or peer.hex() in wanted)
        }
        for key, addresses in self.whom.relays.items():
            places = active.get(Peer(key), ()) + self._with_places(key, addresses)
            if key != self.key and self.whom.lets_in(key) and places:
                found.setdefault(Peer(key), tuple(dict.fromkeys(places)))
        return found

    def _terms(self) -> dict[Peer, Terms]:
        """Return when there may be a link by TCP to whom, and how much may go over it."""
        found = {Peer(each.key): each.terms for each in self.settings.peers}
        known = {name.casefold(): terms for name, terms in self.settings.known.items()}
        for key in (*self.whom.peers, *self.whom.named) if known else ():
            terms = known.get(self.name_of(Peer(key)).casefold())
            if terms is not None:
                found.setdefault(Peer(key), terms)
        return found

    def _ways(self) -> dict[OtherLink, Peer]:
        """Return the links of the sections [[link]] whose peers may exchange with this node."""
        wanted = {each.peer.casefold(): each for each in self.settings.links}
        found: dict[OtherLink, Peer] = {}
        for key in (*self.whom.peers, *self.whom.named) if wanted else ():
            peer = Peer(key)
            said = wanted.get(key.hex()) or wanted.get(self.name_of(peer).casefold())
            if said is not None and key != self.key and self.whom.lets_in(key):
                found.setdefault(said, peer)
        return found

    def _is_known(self, key: Key) -> bool:
        """Say whether a key is that of a node that may exchange with us, and not that of somebody invited."""
        return key in self._allowed and self.whom.lets_in(key)

    def _keeps_out(self, peer: Peer) -> str:
        return "" if self.whom.lets_in(Key(peer)) else self.whom.why_out(Key(peer))

    async def _secure_relayed(self, stream: Relayed) -> Link:
        """Shake hands with who calls through a relay: it must be allowed like whoever calls by itself."""
        return await answer_over(stream, self._listen_context(), lambda key: key in self._allowed)

    def name_of(self, peer: Peer) -> str:
        """Return what a peer is called here."""
        if Key(peer) in self.whom.names:
            return self.whom.names[Key(peer)]
        if peer not in self._names and (scope := self.whom.named.get(Key(peer))) is not None:
            self._names |= names_of(self._view, {Key(peer): scope})  # type: ignore[arg-type]
        if peer not in self._names and (removal := self.reader.removed.get(Key(peer))) is not None:
            return removal.name
        return self._names.get(peer, peer.hex()[:8])

    def _score(self, peer: Peer) -> float:
        return self.links.scores.of(peer, int(time.time() * 1000))

    def _link_changed(self, peer: Peer) -> None:
        if peer in self.links.connections:
            log.info("%s: connected", self.name_of(peer))

    async def answer(self, link: Link) -> None:
        """Carry a link that a peer, or somebody invited, opened."""
        if link.peer not in self._allowed:
            raise link.cut("recalled", self.whom.why_out(Key(link.peer)))
        if link.relay:
            await self.relay.answer(link)
            return
        if self.whom.lets_in(Key(link.peer)):
            await self.links.carry(link, False)
            return
        welcomed = await joining.hear(link, self)
        if welcomed:
            await self.refresh()
            self.links.followed()

    # --- What the command line asks -----------------------------------------------------------------------

    async def operate(self, op: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do what the command line asks."""
        match op:
            case "take":
                blocks = [bytes.fromhex(block) for block in arguments["blocks"]]
                async with self.links.door.writing(pressing=True) as node:
                    taken = await trio.to_thread.run_sync(take_own, node, blocks, once_in(arguments))
                self.links.announce(taken)
                return {}
            case "status":
                return {
                    "peers": peers_now(self),
                    "listen": self.listen_text(),
                    "relay": self._relaying(),
                    "sticks": self.sticks.told(),
                    "broadcasts": self.broadcasts.told(),
                }
            case "join":
                return await joining.join(self, arguments["code"], tuple(arguments["addresses"]))
            case "bundle_begin":
                return self.sticks.begin()
            case "bundle_more":
                return await self.sticks.more(int(arguments["number"]), arguments["chunks"])
            case "bundle_end":
                return await self.sticks.end(int(arguments["number"]))
            case "stop":
                self.stopping.set()
                return {}
            case _:
                async with self.links.door.writing(pressing=True) as node:
                    answer = await trio.to_thread.run_sync(perform, node, op, arguments)
                if op != "ping":
                    await self.refresh()
                    self.links.followed()
                for key in answer["keys"] if op == "introduce" else ():
                    self.finding.introduce(Peer(bytes.fromhex(key)))
                return answer

    def _relaying(self) -> dict[str, Any]:
        told = self.relay.told(self.name_of)
        return {
            "offers": told,
            "waits_at": self.through.waits_at(),
            "unknown": self.unknown_names(self.settings.through),
        }

    def unknown_names(self, said: Iterable[str]) -> list[str]:
        """Return those of these names and keys that stand for no node that may exchange with this one."""
        left = {each.casefold(): each for each in said}
        for key in (*self.whom.peers, *self.whom.named) if left else ():
            left.pop(self.name_of(Peer(key)).casefold(), None)
            left.pop(key.hex(), None)
        return list(left.values())

    def listen_text(self) -> str:
        """Return where this node listens, as host:port, or none."""
        if self.settings.listen is None or not self.listening:
            return config.listen_words(self.settings.listen)
        host, port = self.listening[0].socket.getsockname()[:2]
        return str(config.Address(self.settings.listen.host or host, port))

    # --- Running ------------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Begin to listen, unless this node only calls. Raises a Problem when the address cannot be had."""
        where = self.settings.listen
        try:
            if where is not None:
                self.listening = list(await trio.open_tcp_listeners(where.port, host=where.host or None))
            if any(each.kind == "udp" for each in self.settings.links):
                await self.byways.open(self.listening)
        except OSError as error:
            raise Problem(
                "cannot_listen",
                f"This node cannot listen at {where}: {error.strerror or error}.",
                f"Change [listen] in {self.home.config}.",
                Exit.NO_NODE,
            ) from None

    async def serve_peers(self) -> None:
        """Answer peers until cancelled; at once done where nobody can call."""
        if not self.listening:
            return
        await serve(
            self.listening,
            context=self._listen_context,
            allowed=lambda key: key in self._allowed,
            gate=self.gate,
            handle=self.answer,
            report=_report,
        )

    def _listen_context(self) -> ssl.SSLContext:
        assert self._context is not None
        return self._context

    async def seal_pages(self) -> None:
        """Seal what this node is named to seal, whenever something came that may allow it, and each hour, until cancelled."""
        while True:
            with trio.move_on_after(SEAL_SECONDS):
                await self._authority.wait()
            self._authority = trio.Event()
            async with self.links.door.writing() as node:
                taken = await trio.to_thread.run_sync(seal_pages, node, self.private)
            self.links.announce(taken)

    async def part_from_dropped(self) -> None:
        """Close the links of nodes that a body's book drops, and take them back when one names them, until cancelled."""
        while True:
            await self._nodes_changed.wait()
            self._nodes_changed = trio.Event()
            begun = trio.current_time()
            await self.refresh()
            # Whoever first syncs a large federation hears of nodes in every batch: this must not take all its time.
            await trio.sleep(REST * (trio.current_time() - begun))

    def _follows_changed(self) -> None:
        self._bodies_changed = True
        self._nodes_changed.set()

    def _authority_came(self) -> None:
        self._authority.set()
        self._results.set()
        self.finding.named.set()

    async def confirm_pages(self, after_days: float) -> None:
        """Draft what confirms a region's results once it is due, until cancelled."""
        while True:
            with trio.move_on_after(CONFIRM_SECONDS):
                await self._results.wait()
            self._results = trio.Event()
            async with self.links.door.writing() as node:
                taken = await trio.to_thread.run_sync(confirm_pages, node, self.private, after_days)
            self.links.announce(taken)

    async def keep_shown(self) -> None:
        """Keep what people are shown of peers, now and then."""
        while True:
            await trio.sleep(SAVE_SECONDS)
            await self.save_shown()

    async def save_shown(self) -> None:
        """Keep what people are shown of peers."""
        rows, views, scores = peers_now(self), self.steering.kept(), self.links.scores.pack()
        async with self.links.door.writing() as node:
            fresh = partial(self.freshening.keep, node, self.freshening.take())
            await trio.to_thread.run_sync(save_peers, node, rows, views, scores, fresh)


def _lacking(node: Node) -> list[PageId]:
    """Return what our own book makes kin by now and is not followed so far."""
    node.kindred.look(node.state)
    return sorted(node.kindred.lacking())


def _circulation(node: Node) -> tuple[Circulation, Scope | None]:
    own = next((each.scope for each in node.store.followed.all() if each.source == "own"), None)
    return node.kindred.circulation(node.state), own


def _report(host: str, why: LinkClosed) -> None:
    if why.code not in ("ended", "closed"):
        log.info("connection from %s: %s", host, why.sentence)


def hash_of(items: list[Item]) -> bytes:
    """Return what a bucket of these items hashes to."""
    return node_hash(items, BUCKET_DEPTH)
