"""Messages load `logging` when somebody wants them, and reach whoever does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src"

BEGIN = """
import sys
sys.path.insert(0, {source!r})
from rookery.core import log as logs
log = logs.get_log("rookery.test")
def prepare():
    import logging
    logger = logging.getLogger("rookery")
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.setLevel(logs.INFO)
    logger.propagate = False
"""
END = """
print("loaded" if "logging" in sys.modules else "not loaded")
"""


def told(program: str) -> list[str]:
    text = BEGIN.format(source=str(SOURCE)) + program + END
    ended = subprocess.run([sys.executable, "-S", "-c", text], capture_output=True, text=True, check=True)
    return (ended.stdout + ended.stderr).splitlines()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("log.debug('x'); log.info('x')", ["not loaded"]),
        ("log.warning('%s', 5)", ["loaded", "5"]),
        ("logs.set_up(logs.INFO, prepare); log.debug('x')", ["not loaded"]),
        ("logs.set_up(logs.INFO, prepare); log.debug('x'); log.info('y')", ["y", "loaded"]),
        ("logs.set_up(logs.INFO, prepare); import logging; log.debug('x'); log.info('y')", ["y", "loaded"]),
        ("import logging; logs.set_up(logs.INFO, prepare); logging.getLogger('rookery.a').info('z')", ["z", "loaded"]),
        (
            "import logging; logging.basicConfig(level=1, stream=sys.stdout); log.debug('x')",
            ["DEBUG:rookery.test:x", "loaded"],
        ),
        (
            "logs.set_up(logs.INFO, prepare); log.exception('x', exc_info=KeyError('y'))",
            ["x", "KeyError: 'y'", "loaded"],
        ),
    ],
)  # fmt: skip
def test_a_message_reaches_whoever_wants_it(program: str, said: list[str]) -> None:
    assert told(program) == said


def test_a_message_comes_from_where_it_was_said() -> None:
    at = "import logging; logging.basicConfig(level=1, stream=sys.stdout, format='%(funcName)s %(message)s')"
    assert told(f"{at}\ndef here(): log.info('x')\nhere()") == ["here x", "loaded"]
