"""Named ways to compress a network; a new method is one more function that returns a Recipe."""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from elsie.compress.checks import valid_steps
from elsie.compress.compiler import compile_model
from elsie.compress.kinds.step import Signal
from elsie.compress.model.model import Model
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.onnx.save import save_onnx
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.quantise.kinds import with_weights
from elsie.compress.structure.change import restructure
from elsie.compress.structure.fold import fold
from elsie.compress.structure.plan import Plan
from elsie.compress.train.lesson import Lesson
from elsie.compress.train.trainer import Course, train
from elsie.data import Data
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.network import Network
from golden.presets import Preset


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A trained network, and what there is to compress it with."""

    name: str
    """Of the network, in rows."""
    model: Model
    """In float."""
    calibrate: Data
    """Inputs without labels."""
    test: Evaluation
    """Only for the figures."""
    lesson: Data | None = None
    """Inputs with labels, for methods that train; no sample is in `test`."""
    keep: Path | None = None
    """Folder where trained networks are kept, so that none is trained twice."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network becomes a compressed one. The fields go into rows; `make` does it."""

    method: str
    """Name of the method."""
    alphabet: str
    """As for `elsie.compile`, or codebook:BITS:BITS with the bits of the values, too."""
    density: float
    """Share of the weights; 1 keeps the model's own zeros."""
    engine: str
    """Where it runs: a board, or a number of PEs."""
    make: Callable[[Case], tuple[Network, float]]
    """The network with accuracies in its report, and the seconds of CPU that it took."""


def config_for(alphabet: str, base: EngineConfig) -> tuple[EngineConfig, str]:
    """`base` with an alphabet, and the alphabet as `elsie.compile` takes it.

    After a + is what activations are. Raises ElsieError for text that names none.
    """
    kind, _, code = alphabet.partition("+")
    shared = re.fullmatch(r"(codebook:\d+):(\d+)", kind)
    asked = shared[1] if shared else kind
    config = with_weights(base.replace(act_code=code or base.act_code), asked)
    return (config.replace(weight_width=int(shared[2])) if shared else config), asked


def engine(pes: int) -> EngineConfig:
    """For networks that no board is meant for."""
    return EngineConfig(pes=pes, group=1, act_width=16)


def compiled(
    alphabet: str, density: float, effort: str, *, base: EngineConfig, preset: Preset | None = None
) -> Recipe:
    """By the compiler alone, without labels."""
    config, weights = config_for(alphabet, base)
    options = CompileOptions(
        density=None if density == 1 else density, weights=weights, effort=effort, preset=preset
    )

    def make(case: Case) -> tuple[Network, float]:
        start = time.process_time()
        network = _compile(case, case.model, config, options)
        return network, time.process_time() - start

    return Recipe(
        method=effort, alphabet=alphabet, density=density, engine=_where(base, preset), make=make
    )


def trained(
    alphabet: str,
    density: float,
    *,
    steps: int,
    base: EngineConfig,
    neurons: float | None = None,
    surgery: bool = False,
    preset: Preset | None = None,
) -> Recipe:
    """Pruned and put on the alphabet while the network learns on, with labels, then compiled.

    neurons: share of the hidden ones that is kept, before anything else; 1 takes out only those
    that became useless. The density is of the weights that this leaves.
    """
    config, weights = config_for(alphabet, base)
    options = CompileOptions(weights=weights, preset=preset)
    lesson = _Lesson(
        config=config,
        weights=weights,
        density=density,
        steps=steps,
        neurons=neurons,
        surgery=surgery,
    )

    def make(case: Case) -> tuple[Network, float]:
        start = time.process_time()
        model, spent = lesson.taught(case)
        network = _compile(case, model, config, options)
        return network, time.process_time() - start + spent

    return Recipe(
        method=f"train {steps}"
        + (f", neurons {neurons:g}" if neurons else "")
        + (", surgery" if surgery else ""),
        alphabet=alphabet,
        density=density,
        engine=_where(base, preset),
        make=make,
    )


def _where(base: EngineConfig, preset: Preset | None) -> str:
    return preset.board if preset else f"{base.pes} PEs"


def _compile(case: Case, model: Model, config: EngineConfig, options: CompileOptions) -> Network:
    """With its accuracies."""
    return compile_model(
        model,
        case.calibrate.x,
        config=config,
        lengths=case.calibrate.lengths,
        options=options,
        evaluate=case.test,
    )


@dataclass(frozen=True, kw_only=True)
class _Lesson:
    """What a network learns."""

    config: EngineConfig
    weights: str
    density: float
    steps: int
    neurons: float | None
    surgery: bool

    def taught(self, case: Case) -> tuple[Model, float]:
        """The trained model, and seconds of CPU that are not of this process."""
        if case.keep is None:
            return self._teach(case), 0.0
        how = (self.weights, self.neurons, self.config) + (("surgery",) if self.surgery else ())
        told = repr((case.name, self.density, self.steps, *how))
        path = case.keep / f"{case.name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.onnx"
        spent = path.with_suffix(".seconds")
        if spent.exists():
            return load_onnx(path), float(spent.read_text())
        start = time.process_time()
        model = self._teach(case)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_onnx(model, path)
        spent.write_text(str(time.process_time() - start))
        return load_onnx(path), 0.0

    def _teach(self, case: Case) -> Model:
        if case.lesson is None or case.lesson.y is None:
            raise ElsieError(f"network {case.name}: there are no labels to train it with")
        x, lengths, y = case.lesson
        course = Course(
            density=None if self.density == 1 else self.density,
            config=self.config,
            weights=self.weights,
            epochs=max(10, round(self.steps * 64 / len(x))),
            surgery=self.surgery,
        )
        plan = Plan.of(case.model, neurons=self.neurons, rank=None)
        given = Signal(values=x, valid=valid_steps(case.model, x, lengths), frac=0)
        small = restructure(plan, case.model, given, lambda _: None)
        model = train(small, Lesson.of(case.model, x, y, share=0.5, lengths=lengths), course)
        return fold(model) if plan.asked else model
