"""Many runs -> numbers with their uncertainty; needs no torch."""
