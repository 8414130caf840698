"""One encoder a modality: its columns to a vector of the common width.

Shared contract: built from the number of columns and the width; [patient, column] in, [patient, width] out.
Inputs are divided by the number of columns: an optimiser that moves every weight by about the same step would
otherwise learn a table of 512 features 512 times as fast as a single one, and its noise would drown the rest.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphmml.model.dropout import Dropout


class LinearEncoder(nn.Module):
    """A linear map with dropout on its input, so that no single column is relied on."""

    columns: Tensor

    def __init__(self, columns: int, width: int, *, dropout: float = 0.3) -> None:
        super().__init__()
        # no weight, but each network's own where several are one program
        self.register_buffer("columns", torch.tensor(float(max(columns, 1))), persistent=False)
        self.dropout = Dropout(dropout)
        self.linear = nn.Linear(columns, width)

    def forward(self, x: Tensor) -> Tensor:
        """Encode [patient, column] as [patient, width]."""
        # dividing the weights is dividing the columns, of which there are more numbers
        return functional.linear(self.dropout(x), self.linear.weight / self.columns, self.linear.bias)


class MLPEncoder(nn.Module):
    """Two linear maps with a rectifier between them."""

    columns: Tensor

    def __init__(self, columns: int, width: int, *, dropout: float = 0.3) -> None:
        super().__init__()
        # no weight, but each network's own where several are one program
        self.register_buffer("columns", torch.tensor(float(max(columns, 1))), persistent=False)
        self.layers = nn.Sequential(
            Dropout(dropout), nn.Linear(columns, width), nn.ReLU(), Dropout(dropout), nn.Linear(width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Encode [patient, column] as [patient, width]."""
        out: Tensor = self.layers(x / self.columns)
        return out
