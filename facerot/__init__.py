"""What each skip path of a U-Net carries when it turns a side view of a face to the front."""

import os

__version__ = "0.2.0"

# Threads that wait by spinning stand in each other's way as soon as anything else runs: a training
# step then takes five to twenty times its idle time. torch reads this once, when it is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
