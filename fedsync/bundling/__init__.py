"""Bundles as a node makes them and takes them in. Files and people are another room's: here are bytes, and one door."""

from fedsync.bundling.coming import Batch, Came, Taking, batches, chunks, mended, take
from fedsync.bundling.lacking import Gap, Missed, lacking, missed
from fedsync.bundling.out import Export, Request, export
from fedsync.bundling.turns import Course, Fresh, Head, head, lines
from fedsync.gossip.bundles.parity import protect

__all__ = [
    "Batch",
    "Came",
    "Course",
    "Export",
    "Fresh",
    "Gap",
    "Head",
    "Missed",
    "Request",
    "Taking",
    "batches",
    "chunks",
    "export",
    "head",
    "lacking",
    "lines",
    "mended",
    "missed",
    "protect",
    "take",
]
