"""What is done to a world of clones (`support.clones`) by one engine and by the other, to compare."""

from __future__ import annotations

import os

from rookery.annex.outcome import Outcome
from support.clones import NOW, World


def gets(world: World) -> list[Outcome]:
    return world.act("clone", "get")


def gets_from_the_source(world: World) -> list[Outcome]:
    return world.act("clone", "get", from_remote="origin")


def gets_what_is_spoilt_or_gone(world: World) -> list[Outcome]:
    place = world.object("source", "a.dat")
    place.chmod(0o644)
    place.write_bytes(b"CONTENT 0")
    os.utime(place, (NOW, NOW))
    world.object("source", "deep/er/b.dat").unlink()
    return world.act("clone", "get")


def sends(world: World) -> list[Outcome]:
    return world.send("source", "bare")


def sends_by_the_log(world: World) -> list[Outcome]:
    return world.send("source", "bare", "--fast") + world.send("source", "bare", "--fast")


def sends_what_is_there(world: World) -> list[Outcome]:
    world.annex("source", "copy", "-q", "--to=bare", "a.dat")
    return world.send("source", "bare")


def drops(world: World) -> list[Outcome]:
    world.annex("clone", "get", "-q")
    return world.act("clone", "drop")


def drops_some_that_need_two_copies(world: World) -> list[Outcome]:
    (world.root / "clone/.gitattributes").write_text("*.sh annex.numcopies=2\nt*.dat annex.numcopies=2\n")
    world.git("add", ".gitattributes", cwd=world.root / "clone")
    world.git("commit", "-qm", "Attributes", cwd=world.root / "clone")
    world.annex("clone", "get", "-q")
    world.annex("clone", "copy", "-q", "--to=bare", "run.sh")
    return world.act("clone", "drop")


def drops_what_is_only_claimed_to_be_elsewhere(world: World) -> list[Outcome]:
    world.annex("clone", "get", "-q")
    world.object("source", "a.dat").unlink()
    return world.act("clone", "drop")


def drops_what_an_untrusted_place_has(world: World) -> list[Outcome]:
    world.annex("clone", "get", "-q")
    world.annex("clone", "untrust", "-q", "origin")
    world.annex("clone", "copy", "-q", "--to=bare", "run.sh")
    return world.act("clone", "drop")
