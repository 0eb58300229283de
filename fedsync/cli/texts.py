"""Texts that people give to a command: from a file, or typed at the terminal."""

import sys
from pathlib import Path

from fedsync.errors import usage


def read_text(text_file: str) -> str:
    """Return the text in a file, or on standard input for "-". Raises a Problem (exit 2)."""
    try:
        text = sys.stdin.read() if text_file == "-" else Path(text_file).read_text(encoding="utf-8")
    except OSError as error:
        raise usage(
            f"{text_file} cannot be read: {error.strerror}.", "Name a text file, or - to type it."
        ) from None
    except UnicodeDecodeError:
        raise usage(f"{text_file} is not UTF-8 text.", "Save it as plain text, UTF-8.") from None
    # Other systems end lines with a carriage return, which no record may hold.
    return text.replace("\r\n", "\n").replace("\t", "    ").strip("\n")


def write_file(name: str, text: str) -> None:
    """Write a text to a file, whole or not at all. Raises a Problem (exit 2)."""
    path = Path(name)
    half = path.with_name(f"{path.name}.part")
    try:
        half.write_text(text, encoding="utf-8", newline="")
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise usage(f"{name} cannot be written: {error.strerror}.", "Name another file.") from None
