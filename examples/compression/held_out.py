"""Networks to choose settings with: no test sample takes part.

A part of the training data is held out, the dense network and the compressed one learn from the
others, and the part judges them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from elsie.bench.compression.recipes import Case
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.onnx.save import save_onnx
from elsie.compress.options import Evaluation
from elsie.data import Data
from examples.digits import train as digits
from examples.digits.data import splits
from examples.digits.mlp import Mlp
from examples.lenet import train as lenet
from examples.lenet.data import splits as lenet_splits
from examples.parts import Part, joined, shifted

SETS = ("digits", "lenet")
FOLDS = 5
"""Of digits, so that each sample is held out once."""
SEED = 2016


def held_out(name: str, build: Path, count: int) -> list[Case]:
    """At most `count` networks.

    digits: train and validation part (1,309) in FOLDS folds, a network for each. lenet: networks of
    the train part (2,500), of several seeds; the validation part (500) judges.
    """
    if name == "lenet":
        parts = lenet_splits()
        return [
            _case(
                build / "held-out" / f"lenet-{seed}.onnx",
                learn=shifted(parts["train"]),
                judge=parts["validation"],
                calibrate=parts["calibration"],
                make=lambda part, seed=seed: lenet.trained(part, seed),
            )
            for seed in range(1, count + 1)
        ]
    return _digits(build / "held-out", count)


def _digits(folder: Path, count: int) -> list[Case]:
    parts = splits()
    whole = joined(parts["train"], parts["validation"])
    order = np.random.default_rng(SEED).permutation(len(whole.x))
    return [
        _case(
            folder / f"digits-{fold}.onnx",
            learn=shifted(whole.take(np.delete(order, np.s_[fold::FOLDS]))),
            judge=whole.take(order[fold::FOLDS]),
            calibrate=parts["calibration"],
            make=lambda part, fold=fold: digits.dense(part, fold),
        )
        for fold in range(min(count, FOLDS))
    ]


def _case(
    path: Path, *, learn: Part, judge: Part, calibrate: Part, make: Callable[[Part], Mlp]
) -> Case:
    """A network from `path`; trained, if it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_onnx(make(learn).model(), path)
    return Case(
        name=path.stem,
        model=load_onnx(path),
        calibrate=Data(x=calibrate.x.astype(np.float64), lengths=None, y=None),
        test=Evaluation(x=judge.x, lengths=None, labels=judge.y),
        lesson=Data(x=learn.x.astype(np.float64), lengths=None, y=learn.y),
        keep=path.parent / "trained",
    )
