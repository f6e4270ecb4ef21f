"""Faces -> weights: the fit, the LightningModule, what is done beside it."""
