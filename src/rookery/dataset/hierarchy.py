"""Datasets above and below one another."""

from __future__ import annotations

from rookery.dataset.model import Dataset
from rookery.git.repo import find_root


def superdataset_of(
    dataset: Dataset, *, topmost: bool = False, registered: bool = True, with_id: bool = False
) -> Dataset | None:
    """Give the dataset above, or the topmost one; None if there is none.

    `registered` asks that each step up is a subdataset in the index of the one
    above, `with_id` that the one above has a dataset id.
    """
    found = None
    current = dataset
    while current.path.parent != current.path:
        root = find_root(current.path.parent)
        if root is None:
            break
        above = Dataset(root, dataset.ctx)
        if (with_id and above.id is None) or (registered and not is_registered(above, current)):
            break
        found = current = above
        if not topmost:
            break
    return found


def is_registered(above: Dataset, below: Dataset) -> bool:
    """Say whether `below` is a subdataset in the index of `above`."""
    relative = below.path.relative_to(above.path)
    entry = above.repo.run("ls-files", "-s", "-z", "--", f":(literal){relative}").stdout
    return entry.startswith(b"160000 ")
