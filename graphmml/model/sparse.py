"""Sparse: a fixed matrix from nodes to nodes, laid out once for all products with it, forward and backward."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
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
    def rows(self) -> Rows:
        """The entries by target."""
        return Rows.of(self.index[1], self.index[0], self.value, self.shape[0])

    @cached_property
    def transposed(self) -> "Sparse":
        """The matrix [source, target]."""
        return Sparse(self.index.flip(0), self.value, (self.shape[1], self.shape[0]))

    def __matmul__(self, x: Tensor) -> Tensor:
        product: Tensor = Product.apply(x, self)  # type: ignore[no-untyped-call]
        return product

    def to_dense(self) -> Tensor:
        """Return [target, source] with every entry."""
        return self @ torch.eye(self.shape[1], dtype=self.value.dtype, device=self.value.device)


class Product(torch.autograd.Function):
    """A sparse matrix times node states."""

    @staticmethod
    def forward(x: Tensor, matrix: Sparse) -> Tensor:
        """Return [target, width]."""
        return matrix.rows.times(x.contiguous())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Sparse], output: Tensor) -> None:
        """Remember the matrix alone."""
        ctx.matrix = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the states: [source, width]."""
        return Product.apply(gradient, ctx.matrix.transposed), None  # type: ignore[no-untyped-call]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], x: Tensor, matrix: Sparse) -> tuple[Tensor, int]:
        """Multiply states that stand side by side: the matrix is one of blocks on its diagonal, one for each."""
        sides = x.movedim(in_dims[0], 0)
        product: Tensor = Product.apply(sides.flatten(0, 1), matrix)  # type: ignore[no-untyped-call]
        return product.view(info.batch_size, -1, sides.shape[2]), 0
