"""Faces: from files on disk to pairs of tensors."""
