"""Every bound of the protocol, with its unit and its reason. docs/protocol.md repeats them; a test compares."""

from typing import Final

from fedsync.gossip.framing import MAX_BODY

VERSION: Final = 1
"""Of the protocol. A peer that speaks another is told so and let go."""

# --- What one message may hold ------------------------------------------------------------------------

MAX_MESSAGE: Final = MAX_BODY
"""Bytes: what fits a frame."""
MAX_ARRAY: Final = 1024
"""Elements of any array in a message: a msgpack bomb of 64 KiB stays below 4 MB of memory."""
MAX_SETS: Final = 1024
"""Sets in a SETS message: those of some hundreds of bodies."""
SPAN_SETS: Final = 32
"""Sets that a span is to hold, at least: as many bytes as a question and its answer cost."""
LISTED_SETS: Final = 128
"""Sets that a SETS lists at once; when there are more, SPANS opens a comparison. 2 kB, against one more round trip."""
MAX_SPANS: Final = 1024
"""Spans in a SPANS message: of 100,000 sets each holds a hundred."""
MAX_BODIES: Final = 10_000
"""Bodies that a node may follow, and a peer may announce: half a megabyte, and more than the largest region."""
ALIAS_BYTES: Final = 4
"""By which a session tells a body, three bits of them for how it is followed. Of 250 bodies here and as many there two that are none meet
in one of 8,600 sessions, of 1,000 in one of 540, and of 10,000 in one of six: they are told anew then, which costs less than longer names do."""
ALIAS_SALT_BYTES: Final = 8
"""Of the salt that makes them."""
MAX_ASKED: Final = 1000
"""Bodies asked for in full in one WHICH: the answer fits a message."""
MAX_INQUIRIES: Final = 3
"""How often a peer is asked for the same under one salt. Who does not answer then is a liar, or told anew meanwhile: it is asked again
when it tells all under another salt, and in the next session."""
MAX_GAPS: Final = 1024
"""Stretches of names between those of which a peer has told: an honest one leaves none, and what was lost some dozens."""
MAX_ENTRIES: Final = 512
"""Entries in a RANGE message."""
MAX_LOCATOR: Final = 1024
"""Records that a LOCATE names: 16 branches of 2^64 records."""
MAX_LOOKS: Final = 512
"""Of these that are looked up. In a log with many branches each look may be a walk along one of them, and 1,024 places on 16 branches would be
16,384. All that an honest peer names of a few branches is looked up; a chain on which nothing was found by then is served whole."""
MAX_CODE: Final = 64
"""Bytes of a code in a REFUSED message. It is shown, so it is escaped before it reaches a terminal."""
MAX_NAME: Final = 800
"""Bytes of a name in an INTRODUCE: 200 characters."""
MAX_PLACES: Final = 2112
"""Bytes of the addresses in an INTRODUCE: eight long ones."""
MAX_INTRODUCED: Final = 16
"""Nodes that a peer introduces in one session; more are passed over, since people decide on each."""
SHORT_BYTES: Final = 6
"""Of a log's salted name in a session: among 100,000 logs two meet once in 56,000 sessions, and never again."""
LISTING_BYTES: Final = 48 * 1024
"""Bytes of a listing after which a sender begins another message."""

HEARSAY: Final = 4
"""Bodies of which a BEAT tells how fresh what is held of them is: as many bytes as the rest of it, however many there are."""
MAX_HOPS: Final = 15
"""Nodes over which such a word is passed on."""
TELL_AGAIN_MINUTES: Final = 60
"""A peer is told of a body again when it can be told of so much later a moment."""

# --- The trie -----------------------------------------------------------------------------------------

LEAF_ITEMS: Final = 4
"""A prefix with so many items, or with one log only, is a leaf. Part of the set's definition."""
BUCKET_DEPTH: Final = 3
"""Nibbles of a log's id that choose its bucket: 4,096 buckets, so 100,000 logs are compared within 7 ms."""
MAX_TREES: Final = 256
"""Sets whose trees are kept in memory, those that were compared last; of all others only the roots are."""
SMALL_SET: Final = 64
"""Items: a set that is no larger is listed at once when its root is known to differ."""

# --- Asking and serving -------------------------------------------------------------------------------

WINDOW_LOGS: Final = 64
"""Logs asked for and not yet done with; refilled when half is left."""
WIDE_LOGS: Final = 512
"""The same over a carrier that takes much before any answer comes; there a log is reckoned at ROOM_LOG bytes."""
ROOM_LOG: Final = 512
MAX_OUT: Final = 128
"""The same with what is urgent, which does not wait for the window."""
PAGE_BYTES: Final = 128 * 1024
"""Bytes of blocks read from the store at once while serving."""
ROOM_BYTES: Final = 64 * 1024
"""Bytes that a session sends before the carrier has said how much it takes: 16 to 64 KiB write well."""
FRESH_BYTES: Final = 256 * 1024
"""Bytes of blocks that follow a DELTA unasked: the peer may hold them from others already."""
MAX_DELTA: Final = 4096
"""Logs in a DELTA; when more have changed the sets are compared by RANGE."""
LOW_SHARE: Final = 16
"""Every so many blocks the lowest class that waits is served or sent, so that it never starves."""
URGENT_BYTES: Final = 128 * 1024
"""Bytes of what is urgent that are sent beyond what the carrier takes: it keeps room for them, and words need some."""
MAX_LISTED: Final = 200_000
"""Logs that are wanted of one peer at a time: 90 MB of a program that lies. Of more it tells again when these have come."""
MAX_BACKLOG: Final = 2 * 1024 * 1024
"""Bytes of listings that wait for a peer to read; while there are more, it gets no others."""
MAX_TAKES: Final = 256
"""Blocks of one peer that wait to be checked and stored; above it we stop reading."""
MAX_TAKES_BYTES: Final = 4 * 1024 * 1024

# --- Patience, in seconds -----------------------------------------------------------------------------

GREETING_S: Final = 10.0
"""For the peer's HELLO: a rejected client believes that it is connected."""
CREDIT_S: Final = 30.0
"""Without any block from a peer that was asked: its logs go to the back and are asked of another."""
URGENT_CREDIT_S: Final = 2.0
"""The same for what is urgent: then another peer is asked too. Whoever withholds a recall gains so much and no more."""
AGAIN_S: Final = 60.0
"""Before a log that was not served is asked of the same peer again."""
GRAFT_S: Final = 0.5
"""After a TIP, before its block is asked for: a pushed copy may be on its way. More where that takes longer."""
GRAFT_MAX_S: Final = 4.0
"""But never more: the way from one end of a tree of 10,000 nodes to the other, over slow links."""
WAKE_S: Final = 0.02
"""At least so long until a session asks to be woken."""
BEAT_S: Final = 60.0
"""Between two BEATs of a live session, after something was said in it."""
THIN_BEAT_S: Final = 300.0
"""The same over a thin carrier, which brings what it is given: a BEAT only shows that both hold the same."""
THIN_BEAT_MAX_S: Final = 14_400.0
"""And the longest between two there: four hours. Where a link is up for five seconds a minute, a BEAT and the looking for the
other side take some 700 bytes."""
THIN_STUCK_S: Final = 14_400.0
"""Over a thin carrier nothing is lost; a comparison without any progress for four hours is begun anew all the same."""
THIN_ROOM_BYTES: Final = 8 * 1024
"""Bytes that a session gives a thin carrier before that has said how much it takes: at 5 kbit/s they last 13 s."""
BEAT_GROWTH: Final = 16
"""While nothing is said, the next BEAT comes after so many times as long: one after a minute, by which both know that they
hold the same, and then every 16."""
BEAT_MAX_S: Final = 960.0
"""But never later: 16 minutes. A BEAT has some 35 bytes, so an idle link takes less than a bit a second."""
ASK_S: Final = (75.0, 110.0)
"""After something was written, or 60 s less after the time within which the peer said that it speaks, a peer that was
not heard is asked for a sign of life: once, and once more in case that is lost."""
SILENCE_S: Final = 150.0
"""After the same, without any frame: the session ends, the carrier is taken to be dead."""
THIN_BYTES_S: Final = 37.5
"""300 bit/s: what was written is on its way so long on the worst link, and the peer is not taken to be dead before."""
BRIEF_SILENCE_S: Final = 60.0
"""The same for a session that ends when nothing is left."""
COMPARE_S: Final = 10.0
"""At least so long between two comparisons of sets in one session; doubles while they bring nothing."""
COMPARE_MAX_S: Final = 3600.0

# --- Trust --------------------------------------------------------------------------------------------

STRIKES: Final = 3
"""Blocks with a wrong hash, chain or end signature that end a session."""
LEAVE_MAX_S: Final = 86_400.0
"""A peer that asks not to be called for longer is called again all the same: its clock may have been wrong."""
BACK_OFF_S: Final = 600.0
"""Before we talk again to a peer whose session ended by strikes or garbage."""
MAX_REFUSALS: Final = 1024
"""Refused logs remembered of a peer; above it sets are compared by RANGE every time."""
MAX_BRANCHES: Final = 8
"""Branches of an authority log that are taken at once; more at the pace below, never refused."""
BRANCH_DELAY_S: Final = 3600.0
MAX_INCARNATIONS: Final = 8
"""Logs of one key, capacity, class and reach that are taken at once; more at the pace below."""
INCARNATION_DELAY_S: Final = 3600.0

# --- Segments ------------------------------------------------------------------------------------------

MAX_LATE: Final = 1024
"""Segments that wait for a record that they name: each is looked at again when a block is stored."""
LATE_BYTES: Final = 512 * 1024
LATE_TRIES: Final = 16
"""How often each is looked at again: what comes of a log may be much, and none of it what is named."""
LATE_TRIES_PER_S, LATE_TRIES_BURST = 20.0, 2.0 * MAX_LATE
"""How often any of them is looked at again: at 0.3 ms each, a hundredth of a core, and half a second at once. A peer could else have it
done 16,384 times. What is not looked at for that is asked for in full."""
LATE_S: Final = 300.0
"""How long they wait: what they name was sent before them, and may take some turns on a thin link."""
PLAIN_S: Final = 3600.0
"""How long blocks are sent whole after the peer could not read one: what was in the way is past then, mostly."""
MAX_GIVEN: Final = 20_000
"""Logs of which it is remembered how far the peer holds them: 3 MB."""
MAX_PLAIN: Final = 256
"""Logs that the peer wants whole; above it all."""

# --- Fairness: what one peer may use, per second and at once -------------------------------------------

BYTES_PER_S: Final = 32 * 1024 * 1024
BYTES_BURST: Final = 64 * 1024 * 1024
BLOCKS_PER_S: Final = 4_000
"""Blocks to check; each has a signature (0.1 ms) and up to 128 records (0.3 ms)."""
BLOCKS_BURST: Final = 8_000
RECORDS_PER_S: Final = 500_000
RECORDS_BURST: Final = 1_000_000
WANTS_PER_S: Final = 20_000
"""Logs asked for: each costs a look into the store."""
WANTS_BURST: Final = 200_000
