"""What each skip path of a U-Net carries when it turns a side view of a face to the front."""

__version__ = "0.1.0"
