"""The command `python -m facerot`: which commands there are."""

from __future__ import annotations

import sys

from facerot.errors import SettingsError, refusals
from facerot.usage import COMMANDS, answer, commands


def main() -> None:
    """Entry point."""
    with refusals():
        asked = sys.argv[1:]
        if asked and asked[0] in COMMANDS:
            raise SettingsError(f"write python -m facerot.{asked[0]}, with a dot")
        print(answer(asked) or commands())


if __name__ == "__main__":
    main()
