"""One encoder a modality: its columns to a vector of the common width."""

from torch import Tensor, nn


class LinearEncoder(nn.Module):
    """A linear map with dropout on its input, so that no single column is relied on.

    Shared contract of encoders: built from the number of columns and the width; [patient, column] in,
    [patient, width] out.
    """

    def __init__(self, columns: int, width: int, *, dropout: float = 0.3) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(columns, width)

    def forward(self, x: Tensor) -> Tensor:
        """Encode [patient, column] as [patient, width]."""
        out: Tensor = self.linear(self.dropout(x))
        return out


class MLPEncoder(nn.Module):
    """Two linear maps with a rectifier between them."""

    def __init__(self, columns: int, width: int, *, dropout: float = 0.3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(columns, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Encode [patient, column] as [patient, width]."""
        out: Tensor = self.layers(x)
        return out
