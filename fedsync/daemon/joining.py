"""Invitations at work: the inviter hears one JOIN, the invitee sends one; after it each knows the other's key."""

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import trio

from fedsync.errors import Exit, Problem, usage
from fedsync.gossip.invite import Address, BadInvitation, Invitation
from fedsync.gossip.join import (
    Join,
    Refused,
    Standing,
    Verdict,
    Welcome,
    answer_bytes,
    hear_join,
    offer_join,
    refusal,
)
from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.tcp import connect
from fedsync.node import Node
from fedsync.operations import add_peer
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.ids import Key

if TYPE_CHECKING:
    from fedsync.daemon.run import Daemon

log = logging.getLogger("fedsync")

EXIT_OF = {"used": Exit.REFUSED, "expired": Exit.REFUSED, "not-for-you": Exit.REFUSED}


def open_invitations(node: Node) -> list[Key]:
    """Return the one-time keys that may still call: used ones too, for they are refused in words of their own."""
    return [Key(invitation.token_hash) for invitation in node.store.invitations.all()]


async def hear(link: Link, daemon: "Daemon") -> bool:
    """Hear the JOIN of somebody invited and answer it; return whether they are a peer now. Raises LinkClosed."""
    join = await hear_join(link, daemon.key)
    async with daemon.links.door.writing() as node:
        verdict = await trio.to_thread.run_sync(decide, node, Key(link.peer), join, daemon.settings.name)
    with suppress(LinkClosed):
        # When the link ended meanwhile a yes holds all the same: we know them, and they will ask again.
        link.send(answer_bytes(verdict))
    if isinstance(verdict, Welcome):
        log.info("%s joined", join.name)
        return True
    log.info("%s was refused: %s", join.name, verdict.sentence)
    return False


def decide(node: Node, invitee: Key, join: Join, own_name: str) -> Verdict:
    """Decide on a JOIN; a yes is durable before this returns."""
    invitation = node.store.invitations.get(invitee)
    if invitation is None:
        return Refused("not-for-you")
    no = refusal(Standing(invitation.until, None, invitation.used_by), join.node, node.now())
    if no is not None:
        return no
    removal = node.store.removed.get(join.node)
    if removal is not None and invitation.since <= removal.at:
        # Who was removed does not come back by a code that was given before: only by one given since.
        return Refused("not-for-you")
    addresses = tuple(str(address) for address in join.addresses)
    add_peer(
        node,
        join.node,
        invitation.name or join.name,
        addresses,
        join.scope,
        join.body,
        # In one transaction: a peer that is in while its invitation is still open would let another one in.
        lambda: node.store.invitations.use(invitee, join.node, node.now()),
    )
    return Welcome(own_name)


async def join(daemon: "Daemon", code: str, addresses: tuple[str, ...]) -> dict[str, Any]:
    """Use an invitation from the running daemon."""
    invitation, name = await ask(daemon.node, daemon.private, daemon.settings.name, code, addresses)
    async with daemon.links.door.writing() as node:
        await trio.to_thread.run_sync(_accept, node, invitation, name)
    await daemon.refresh()
    daemon.links.followed()
    return {"name": name, "key": invitation.inviter.hex()}


async def join_at_rest(
    node: Node, private: PrivateKey, own_name: str, code: str, addresses: tuple[str, ...]
) -> dict[str, Any]:
    """Use an invitation while no daemon runs."""
    invitation, name = await ask(node, private, own_name, code, addresses)
    _accept(node, invitation, name)
    return {"name": name, "key": invitation.inviter.hex()}


def _accept(node: Node, invitation: Invitation, name: str) -> None:
    addresses = tuple(str(address) for address in invitation.addresses)
    add_peer(node, invitation.inviter, name, addresses, invitation.scope, invitation.body)


def parse(code: str) -> Invitation:
    """Return what a code says. Raises a Problem (exit 2) that says what to do."""
    try:
        return Invitation.parse(code)
    except BadInvitation as error:
        raise usage(str(error), "Copy the whole code again, or ask for another one.") from None


async def ask(
    node: Node, private: PrivateKey, own_name: str, code: str, addresses: tuple[str, ...]
) -> tuple[Invitation, str]:
    """Send our JOIN to the inviter; return the invitation and the inviter's name. Raises a Problem."""
    invitation = parse(code)
    if invitation.inviter == public_key(private):
        raise usage("This invitation was made by this very node.", "Give it to the other community.")
    own = next((body for body in node.store.followed.all() if body.source == "own"), None)
    if own is None:
        raise Problem("no_body", "This node has no community of its own.", "Make one with: fedsync init")
    said = Join(
        public_key(private),
        own.name or own_name,
        own.scope,
        own.body,
        tuple(Address.parse(address) for address in addresses),
    ).seal(private, invitation)
    why = "the invitation names no address"
    for address in invitation.addresses:
        try:
            link = await connect(address.host, address.port, invitation.private_key, invitation.inviter)
            verdict = await _offer(link, said)
        except LinkClosed as closed:
            why = closed.sentence
            continue
        if isinstance(verdict, Refused):
            raise Problem(f"invitation_{verdict.code}", verdict.sentence, "", EXIT_OF[verdict.code])
        return invitation, verdict.name
    raise Problem(
        "unreachable",
        f"The inviting node could not be reached: {why}.",
        "Its daemon must be running, and the invitation open. Then type this again.",
        Exit.UNREACHABLE,
    )


async def _offer(link: Link, said: bytes) -> Verdict:
    answers: list[Verdict] = []

    async def offer(link: Link) -> None:
        answers.append(await offer_join(link, said))

    why = await link.run(offer)
    if not answers:
        raise why
    return answers[0]
