"""Bundles as a node makes them and takes them in. Files and people are another room's: here are bytes, and one door."""

from fedsync.bundling.coming import Batch, Came, Fresh, Taking, batches, chunks, mended, take
from fedsync.bundling.lacking import Gap, Missed, lacking, missed
from fedsync.bundling.out import Export, Request, export
from fedsync.gossip.bundles.parity import protect

__all__ = [
    "Batch",
    "Came",
    "Export",
    "Fresh",
    "Gap",
    "Missed",
    "Request",
    "Taking",
    "batches",
    "chunks",
    "export",
    "lacking",
    "mended",
    "missed",
    "protect",
    "take",
]
