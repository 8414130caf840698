"""Fusion: a patient's vectors, one a modality, and a presence mask become one vector.

Shared contract: built from the width and the number of modalities; takes x [patient, modality, width] and
present [patient, modality]; gives [patient, width]. What is absent weighs nothing, a patient with nothing
measured becomes zeros, and a single modality passes through unchanged. Fusions with a method `weights` say how
much each modality counted: [patient, modality], over present modalities summing to one.
"""
