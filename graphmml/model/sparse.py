"""Sparse: a fixed matrix from nodes to nodes, laid out once for all products with it, forward and backward."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class Rows:
    """Entries row by row: `column` and `value` of row i stand from `start[i]` to `start[i + 1]`."""

    start: Tensor
    column: Tensor
    value: Tensor

    @classmethod
    def of(cls, row: Tensor, column: Tensor, value: Tensor, count: int) -> "Rows":
        """Sort entries by row, then column."""
        order = column.argsort(stable=True)
        order = order[row[order].argsort(stable=True)]
        start = functional.pad(torch.bincount(row, minlength=count).cumsum(0), (1, 0))
        return cls(start, column[order], value[order])

    def times(self, x: Tensor) -> Tensor:
        """Multiply with [column, width]; faster than torch's CSR product, and each sum is in one fixed order."""
        return functional.embedding_bag(
            self.column, x, self.start, mode="sum", per_sample_weights=self.value, include_last_offset=True
        )


@dataclass(frozen=True, eq=False)
class Sparse:
    """A matrix [target, source] of entries at `index` [2, entry] (source, target); nothing is learned in it.

    `matrix @ x` carries a gradient to x: the product with the transpose, which torch would lay out anew each time.
    """

    index: Tensor
    value: Tensor
    shape: tuple[int, int]

    @cached_property
    def forward(self) -> Rows:
        """The entries by target."""
        return Rows.of(self.index[1], self.index[0], self.value, self.shape[0])

    @cached_property
    def backward(self) -> Rows:
        """The entries by source."""
        return Rows.of(self.index[0], self.index[1], self.value, self.shape[1])

    def __matmul__(self, x: Tensor) -> Tensor:
        product: Tensor = Product.apply(x, self)  # type: ignore[no-untyped-call]
        return product

    def to_dense(self) -> Tensor:
        """Return [target, source] with every entry."""
        return self @ torch.eye(self.shape[1], dtype=self.value.dtype, device=self.value.device)


class Product(torch.autograd.Function):
    """A sparse matrix times node states."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Sparse) -> Tensor:
        """Return [target, width]."""
        ctx.matrix = matrix
        return matrix.forward.times(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the states: [source, width]."""
        return ctx.matrix.backward.times(gradient.contiguous()), None
