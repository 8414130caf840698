import pytest
import torch

from graphmml.model.sparse import Sparse


def drawn(targets=7, sources=5, entries=12, seed=0):
    """Draw a matrix with an entry twice, a row and a column without any."""
    random = torch.Generator().manual_seed(seed)
    index = torch.stack(
        [
            torch.randint(0, sources - 1, (entries,), generator=random),
            torch.randint(0, targets - 1, (entries,), generator=random),
        ]
    )
    index[:, 1] = index[:, 0]
    value = torch.randn(entries, generator=random, dtype=torch.float64)
    dense = torch.zeros(targets, sources, dtype=torch.float64)
    for source, target, number in zip(*index.tolist(), value.tolist(), strict=True):
        dense[target, source] += number
    return Sparse(index, value, (targets, sources)), dense


@pytest.mark.parametrize("seed", range(4))
def test_products_and_gradients_are_the_dense_ones(seed):
    sparse, dense = drawn(seed=seed)
    assert torch.allclose(sparse.to_dense(), dense)
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    given = torch.randn(7, 3, dtype=torch.float64)
    (sparse @ x).backward(given)
    assert torch.allclose(x.grad, dense.T @ given)
    assert torch.autograd.gradcheck(lambda state: sparse @ state, (x,))


def test_a_gradient_that_is_not_laid_out_in_rows_is_taken_too():
    sparse, dense = drawn()
    x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    given = torch.randn(3, 7, dtype=torch.float64)
    (sparse @ x).backward(given.T)
    assert torch.allclose(x.grad, dense.T @ given.T)


def test_without_entries_everything_is_zero():
    nothing = Sparse(torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0), (3, 2))
    assert torch.equal(nothing @ torch.ones(2, 4), torch.zeros(3, 4))


def test_a_sum_is_the_same_whatever_the_order_of_entries():
    sparse, _ = drawn(entries=40)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    order = torch.cat([order[order > 1], torch.tensor([0, 1])])
    again = Sparse(sparse.index[:, order], sparse.value[order], sparse.shape)
    x = torch.randn(5, 3, dtype=torch.float64)
    assert torch.allclose(sparse @ x, again @ x)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_a_gpu_products_and_gradients_are_the_same():
    sparse, dense = drawn()
    there = Sparse(sparse.index.cuda(), sparse.value.cuda(), sparse.shape)
    x = torch.randn(5, 3, dtype=torch.float64, device="cuda", requires_grad=True)
    out = there @ x
    out.sum().backward()
    assert torch.allclose(out.cpu(), dense @ x.detach().cpu())
    assert torch.allclose(x.grad.cpu(), dense.T @ torch.ones(7, 3, dtype=torch.float64))
