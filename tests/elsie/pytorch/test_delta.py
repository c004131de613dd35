"""The delta rule in PyTorch, beside the layer itself and golden's count."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where PyTorch is not installed, pyright takes elsie.torch for it.

import numpy as np
import pytest

import elsie
from golden.errors import ElsieError

pytestmark = pytest.mark.long


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_rule(kind: str) -> None:
    import torch
    from torch import nn

    from elsie.torch import Delta

    torch.manual_seed(1)
    layer, x = getattr(nn, kind)(3, 5, batch_first=True), torch.randn(4, 9, 3)
    with torch.no_grad():
        every = Delta(layer, inputs=0.0, outputs=0.0)(x)
        assert np.allclose(every.states, layer(x)[0], atol=1e-6)
        assert every.sent[:, :, :3].all()
        none = Delta(layer, inputs=99.0, outputs=99.0)(x)
        assert not none.sent.any()
        some = Delta(layer, inputs=0.7, outputs=0.2)(x)
    held, h = torch.zeros(4, 3), torch.zeros(4, 5)
    for step in range(9):
        moves = (x[:, step] - held).abs() >= 0.7
        held = torch.where(moves, x[:, step], held)
        assert torch.equal(some.sent[:, step, :3], moves)
        state = some.states[:, step - 1] if step else torch.zeros(4, 5)
        moves = (state - h).abs() >= 0.2
        h = torch.where(moves, state, h)
        assert torch.equal(some.sent[:, step, 3:], moves)
    lengths = torch.tensor([9, 5, 2, 1])
    steps = [
        some.states[n, t] - some.states[n, t - 1] for n in range(4) for t in range(1, lengths[n])
    ]
    assert torch.allclose(some.movement(lengths), torch.stack(steps).abs().mean())


def test_drawn_up_to_twice_the_thresholds() -> None:
    import torch
    from torch import nn

    from elsie.torch import Delta

    torch.manual_seed(1)
    layer = nn.LSTM(1, 2, batch_first=True)
    rule = Delta(layer, inputs=0.5, outputs=0.1)
    x = torch.linspace(0, 2, 2000)[:, None, None]
    sent = rule.draw(x).sent[:, 0, 0]
    least = x[:, 0, 0]
    assert sent[least > 1].all()  # twice 0.5
    assert 0.4 < sent[(least > 0.4) & (least < 0.6)].float().mean() < 0.6
    with pytest.raises(ElsieError, match="the delta rule takes an LSTM or GRU of one layer"):
        Delta(nn.LSTM(1, 2), inputs=0.5, outputs=0.1)


def test_share_sent_is_golden_s() -> None:
    """Float states differ a little from golden's, so that a few moves are on the other side."""
    import torch

    from elsie.torch import Delta
    from tests.elsie.pytorch.networks import Cells, inputs

    torch.manual_seed(1)
    model, x = Cells(torch.nn.LSTM, layers=1), inputs("lstm") / 3
    network = elsie.compile(model, calibration=x.numpy(), delta=(0.5, 0.1))
    timing = elsie.predict(network, x[:40].numpy(), timing=40).timing
    assert timing is not None
    assert timing.sent is not None
    with torch.no_grad():
        sent = Delta(model.cells, inputs=0.5, outputs=0.1)(x[:40]).sent
    cells, head = 24 * float(sent.sum()), 18 * 40  # all weights are there
    assert timing.sent == pytest.approx((cells + head) / (40 * 7 * 240 + head), abs=0.01)
