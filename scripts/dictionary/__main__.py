"""`scripts/make-dictionary [--check]`: the bytes of the newest dictionary, on stdout."""

import sys

from dictionary.words import words
from fedsync.records.dictionary import NEWEST, dictionary


def main() -> int:
    """Print the bytes, or say whether they are those that ship."""
    if "--check" in sys.argv[1:]:
        same = words() == dictionary(NEWEST)
        print(
            f"dictionary {NEWEST} is {'what the script makes' if same else 'another one than the script makes'}"
        )
        return 0 if same else 1
    sys.stdout.buffer.write(words())
    return 0


if __name__ == "__main__":
    sys.exit(main())
