"""What lies on disk: a run, a sweep's outcomes, a study read back, a trained network."""
