"""`Dataset.repo`: what scripts written for DataLad's `AnnexRepo` and `GitRepo` ask of a repository.

Only for scripts: everything here is a thin call of the rooms below, with
DataLad's names, parameters and return values.  Rookery itself never uses it.
Members sit by theme in the classes that `Repository` is put together from.
"""

from __future__ import annotations

from rookery.dataset.repository.content import Content
from rookery.dataset.repository.places import Places

__all__ = ["Repository"]


class Repository(Places, Content):
    """One repository, with or without an annex.

    Paths are relative to its root, or absolute.  Methods that take one file or
    several give one answer or a list, as they were asked.
    """
