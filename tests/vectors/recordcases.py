"""Makes the record vectors."""


def files() -> dict[str, list[dict[str, object]]]:
    """Return the cases of each file."""
    return {}
