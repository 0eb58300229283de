"""The process that runs the tests: what one test can change in it for those that come after."""

import logging
import os
import resource
import signal
import sys


def process() -> dict[str, object]:
    """Return what a test shares with every test that its process runs after it.

    The alarm is none of it: whoever looks for tests that hang takes it back as soon as one fails.
    """
    umask = os.umask(0o077)
    os.umask(umask)
    logs = [logging.getLogger(), logging.getLogger("fedsync"), logging.getLogger("trio")]
    return {
        "the working directory": os.getcwd(),
        "the environment": {
            name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"
        },
        "what signals do": {
            each: signal.getsignal(each) for each in signal.valid_signals() - {signal.SIGALRM}
        },
        "what is logged": [(log.level, log.propagate, log.disabled, list(log.handlers)) for log in logs],
        "logging at all": logging.root.manager.disable,
        "the umask": umask,
        "the longest file": resource.getrlimit(resource.RLIMIT_FSIZE),
        "the most open files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "where modules are": list(sys.path),
        "the words of the command": list(sys.argv),
    }
