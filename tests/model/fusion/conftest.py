import pytest
import torch


@pytest.fixture
def mix():
    """Vectors of ten patients in three modalities, and who has what; the first has everything, the second nothing."""
    torch.manual_seed(0)
    x, present = torch.randn(10, 3, 4, dtype=torch.float64), torch.rand(10, 3) > 0.4
    present[0], present[1] = True, False
    return x, present
