"""Machines of their own on one machine: network namespaces, with cables between them that are slow and can be pulled.

Where this is not possible, `Cables` says why not. Nothing of the machine's own network is touched.
"""

import os
import shutil
import subprocess
from types import TracebackType

RATE, BURST, LATENCY = "512kbit", "16kb", "400ms"
"""Of the cable in the middle: a poor mobile line."""
QUICK = "100mbit"
"""Of a good one."""
NET = "10.77.0"


class NoCables(Exception):
    """Why there can be no machines of their own here."""


class Cables:
    """Two halls with a switch and machines in each, and one slow cable from hall to hall."""

    def __init__(self, left: int, right: int) -> None:
        """Lay them. Raises NoCables."""
        if os.geteuid() != 0:
            raise NoCables("network namespaces are for root")
        if missing := [tool for tool in ("ip", "tc") if shutil.which(tool) is None]:
            raise NoCables(f"there is no {missing[0]} here")
        self._hub = f"fedsync-{os.getpid()}-hub"
        self._names = [f"fedsync-{os.getpid()}-{at}" for at in range(left + right)]
        try:
            self._lay(left)
        except subprocess.CalledProcessError as failed:
            self.close()
            raise NoCables(f"{' '.join(failed.cmd)}: {failed.stderr.strip()}") from None

    def _lay(self, left: int) -> None:
        for name in (self._hub, *self._names):
            _do("ip", "netns", "add", name)
        for hall in ("left", "right"):
            self._in_hub("ip", "link", "add", hall, "type", "bridge")
            self._in_hub("ip", "link", "set", hall, "up")
        self._in_hub("ip", "link", "add", "middle", "type", "veth", "peer", "name", "other")
        for end, hall in (("middle", "left"), ("other", "right")):
            self._in_hub("ip", "link", "set", end, "master", hall, "up")
            self._shape(end, "add", RATE)
        for at, name in enumerate(self._names):
            end = f"to{at}"
            self._in_hub("ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", name)
            self._in_hub("ip", "link", "set", end, "master", "left" if at < left else "right", "up")
            for device in ("lo", "eth0"):
                _do("ip", "-n", name, "link", "set", device, "up")
            _do("ip", "-n", name, "address", "add", f"{self.host(at)}/24", "dev", "eth0")

    def _shape(self, end: str, how: str, rate: str) -> None:
        self._in_hub(
            *("tc", "qdisc", how, "dev", end, "root", "tbf"),
            *("rate", rate, "burst", BURST, "latency", LATENCY),
        )

    def inside(self, at: int) -> tuple[str, ...]:
        """Return the words that run a command on a machine."""
        return "ip", "netns", "exec", self._names[at]

    def host(self, at: int) -> str:
        """Return a machine's address."""
        return f"{NET}.{at + 1}"

    def pull(self) -> None:
        """Pull the cable in the middle: nobody is told, what was sent is gone."""
        self._in_hub("ip", "link", "set", "middle", "down")

    def plug(self) -> None:
        """Put it back."""
        self._in_hub("ip", "link", "set", "middle", "up")

    def widen(self) -> None:
        """Make it a quick one; what is on its way arrives."""
        for end in ("middle", "other"):
            self._shape(end, "change", QUICK)

    def close(self) -> None:
        """Take everything away that was laid."""
        for name in (*self._names, self._hub):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    def _in_hub(self, *words: str) -> None:
        _do("ip", "netns", "exec", self._hub, *words)

    def __enter__(self) -> "Cables":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _do(*words: str) -> None:
    subprocess.run(words, capture_output=True, text=True, check=True)
