"""How much a scenario may ask for: each bound with its reason, so that a slip of the pen does not play for a year. Pure."""

from typing import Final

MAX_TEXT: Final = 1_000_000
"""Characters of a file: what ships has 1,500."""
MAX_NAME: Final = 200
"""Characters of `name`: it stands on one line, and over a picture."""
MAX_ABOUT: Final = 2000
"""Characters of `about`: a sentence or some."""
MAX_NODES: Final = 1000
"""Each node of a scenario folds all that it follows. Larger federations, whose nodes fold nothing, are in `large`."""
MAX_CROWD: Final = 1000
"""Nodes of all crowds together; they fold nothing."""
MAX_LINKS: Final = 20_000
"""Links that are laid: each has a session at both ends. A mesh of 200 nodes has as many."""
MAX_PARTITIONS: Final = 100
"""Partitions of one storm."""
LONGEST_S: Final = 10 * 31_557_600.0
"""Ten years, in seconds: no storm is longer, so that nothing in it need be."""
LEAST_MEAN_S: Final = 1.0
"""Between two acts, in seconds, on average: nobody writes faster for long, and nothing fails more often."""
LEAST_LASTS_S: Final = 0.01
"""What fails does so for a while, in seconds: a cut that lasts no time is none."""
MAX_PACE_S: Final = 60.0
"""A commit, or checking one block, in seconds: sessions end while a slower machine is at it."""
MAX_DELAY_S: Final = 3600.0
"""Of a frame, in seconds: it is light hours to no village. Who waits longer has sticks, or windows."""
MAX_RATE: Final = 1_000_000_000
"""Bytes a second: beyond, a frame takes no time that a number could hold beside a date."""
MAX_REDIAL_S: Final = 30 * 86_400.0
"""Between two calls, in seconds: somebody comes by once a month."""
MAX_OFF_S: Final = 50 * 31_557_600.0
"""A clock's error, in seconds: half a century. One that was never set begins in 1970; none goes back further."""
MAX_BYTES: Final = 1_000_000_000
"""Of a link in an hour of silence: more is no bound on anything."""
MAX_COPIES: Final = 1000.0
"""Of a block at a node: more often than there are nodes it never comes."""
MAX_CALLERS: Final = 0.5
"""Of the honest nodes, those that nobody can call: each knows somebody by invitation who can be called."""
MAX_CARRIED: Final = 1_000_000_000_000
"""Bytes that a relay carries in a day: more goes over no link here."""
MAX_SYNDICATES: Final = 16
"""Each is one more book that half of all nodes keep, with that of each who sits there."""
MAX_SHARE: Final = 100_000
"""Records that are taken in an hour: a daemon takes a million, and a scenario is played in less."""
MAX_HOURS: Final = 10_000_000
"""Hours of all nodes and all links together, storm and calm: at 80,000 a minute some two hours of a core."""
MAX_ACTS: Final = 1_000_000
"""What people do and what fails in a storm, calls, windows and bursts of loss, all added up: some hours of a core."""
