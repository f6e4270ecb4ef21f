"""Imports the package before torch, as the commands do: it says how threads wait."""

import facerot  # noqa: F401
