"""Tensors in, tensors out: encoders, fusion, message passing."""
