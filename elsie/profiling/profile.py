"""Where a compressed network leaves the float one: every layer's values, beside its grid."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.inputs import scale_inputs, scale_model
from elsie.compress.kinds.decoded import decoded
from elsie.compress.model.layer import Reals
from elsie.compress.model.model import Model
from elsie.compress.quality import relative_error
from elsie.compress.quantise.calibrate import activation_frac
from elsie.compress.quantise.codes import MAX_FRAC
from elsie.compress.scores import has_classes
from elsie.profiling.remarks import remarks
from elsie.profiling.results import QUANTILES, Histogram, LayerProfile, Profile
from golden.arithmetic.powers import split
from golden.arithmetic.run import Runner, forward
from golden.arithmetic.sequences import in_order, quantise_input
from golden.errors import ElsieError
from golden.format.activations import activation_of
from golden.format.network import Network
from golden.kinds import Powers

_BINS = 48


def profile(
    network: Network,
    x: ArrayLike,
    *,
    lengths: ArrayLike | None = None,
    model: str | Path | Model | None = None,
    output: str | None = None,
) -> Profile:
    """Run golden and a float network on real inputs `x` (samples, n_in), and compare every layer.

    For a recurrent network, `x` has sequences (samples, steps, n_in), of which `lengths` (samples,)
    steps count. model: what the network was compiled from, an ONNX file with `output` as it was
    then, or the float model itself; without it the float network has the network's own weights, so
    that only activations differ. Raises ElsieError for inputs or a model that do not fit.
    """
    exponents = np.array(network.input_frac or 0, dtype=np.int64)
    if network.input_frac:
        exponents -= network.layers[0].in_frac
    if model is None:
        beside = decoded(network)
    elif isinstance(model, Model):
        beside = scale_model(model, exponents)
    else:
        from elsie.compress.onnx.registry import load_onnx  # imports onnx, which is slow

        beside = scale_model(load_onnx(model, output), exponents)
    name = model.name if isinstance(model, Model) else None if model is None else str(model)
    if network.input_shape:
        # As layers see them; the model then needs no order of its own.
        x, beside = in_order(network, np.asarray(x, dtype=np.float64)), replace(beside, order=None)
        network = replace(network, input_axes=())
    ends = _ends(network, beside, name or "its weights")
    run = _Run.of(network, beside, x, lengths, exponents, ends)
    places = tuple(run.place(number) for number in range(len(ends) + 1))
    return Profile(
        network=network.name,
        model=name,
        samples=len(run.real),
        places=places,
    )


def _ends(network: Network, model: Model, what: str) -> list[int]:
    """The integer layer that has the outputs of each float layer."""
    counts = np.cumsum([len(layer.parts()) for layer in model.layers])
    found = [int(count) - 1 for count in counts]
    fits = found[-1] + 1 == len(network.layers) and network.recurrent == model.recurrent
    fits = fits and network.n_in == model.n_in
    if not fits or [layer.n_out for layer in model.layers] != [
        network.layers[end].n_values for end in found
    ]:
        if network.report and network.report.structure:
            raise ElsieError(
                f"{what}: network {network.name} was compiled with --neurons or --rank, so its "
                f"layers are not the model's; leave out the model to see what activations lose"
            )
        widths = [str(n) for n in (model.n_in, *(layer.n_out for layer in model.layers))]
        own = [str(n) for n in (network.n_in, *(layer.n_values for layer in network.layers))]
        raise ElsieError(
            f"{what}: its layers are {'-'.join(widths)} wide, but those of network {network.name} "
            f"{'-'.join(own)}; give the model that it was compiled from"
        )
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class _Run:
    """Both networks' values at every place; shapes as of Model.predict."""

    network: Network
    model: Model
    lengths: ArrayLike | None
    ends: Sequence[int]
    """The integer layer behind each float layer."""
    real: Reals
    """The inputs, in the network's units."""
    ints: list[NDArray[np.int64]]
    """Golden's, by place."""
    exact: list[Reals]
    """The float network's, by place."""
    outputs: Reals
    """Its outputs."""
    valid: list[NDArray[np.bool_]]
    """Which samples and steps count, by place."""

    @classmethod
    def of(
        cls,
        network: Network,
        model: Model,
        x: ArrayLike,
        lengths: ArrayLike | None,
        exponents: NDArray[np.int64],
        ends: Sequence[int],
    ) -> "_Run":
        inputs = quantise_input(network, x)
        real = scale_inputs(x, exponents)
        shape = inputs.shape[:-1]
        ints = [inputs, *(np.zeros((*shape, network.layers[n].n_values), np.int64) for n in ends)]

        def watch(step: int, run: Runner) -> None:
            for place, end in zip(ints[1:], ends, strict=True):
                (place[:, step] if network.recurrent else place)[:] = run.outputs[end]

        forward(network, inputs, lengths, watch=watch)
        exact: list[Reals] = []
        outputs = model.predict(
            real, lengths, rounding=lambda _, values: exact.append(values) or values
        )
        every = np.ones(shape, dtype=bool)
        last = every
        if network.recurrent:
            counted = np.full(len(real), shape[1]) if lengths is None else np.asarray(lengths)
            every = np.arange(shape[1]) < counted[:, None]
            last = np.arange(shape[1]) == counted[:, None] - 1
        heads = [network.head is not None and end >= network.head for end in ends]
        return cls(
            network=network,
            model=model,
            lengths=lengths,
            ends=ends,
            real=real,
            ints=ints,
            exact=exact,
            outputs=outputs,
            valid=[every, *(last if head else every for head in heads)],
        )

    def frac(self, number: int) -> int:
        """Fraction bits at a place."""
        layers = self.network.layers
        return layers[self.ends[number - 1]].out_frac if number else layers[0].in_frac

    def golden(self, number: int) -> Reals:
        """Golden's real values at a place."""
        return np.ldexp(self.ints[number].astype(np.float64), -self.frac(number))

    def place(self, number: int) -> LayerProfile:
        """Everything about one place."""
        network, valid = self.network, self.valid[number]
        layer = self.model.layers[number - 1] if number else None
        given = self.real
        if layer is not None:
            taken = [self.golden(stage) for stage in self.model.taken(number)]
            given = layer.forward(np.concatenate(taken, axis=-1))
        alone, exact = given[valid], self.exact[number][valid]
        golden, ints = self.golden(number)[valid], self.ints[number][valid]
        powers, step = self._powers(number), 2.0 ** -self.frac(number)
        low, high, half = _ends_of(powers, network.config.act_width)
        beyond = (alone >= (high + half) * step) | (alone < (low - half) * step)
        agreement, error = self._outputs(number)
        clipped = float(np.mean(beyond))
        dead, dead_float = (float(np.mean((v == 0).all(axis=0))) for v in (ints, exact))
        name, best = "inputs" if layer is None else layer.name, self._best(number, alone)
        return LayerProfile(
            name=name,
            kind="inputs" if layer is None else layer.kind.value,
            frac=self.frac(number),
            best_frac=best,
            grid=(low * step, high * step),
            quantiles={"float": _quantiles(exact), "golden": _quantiles(golden)},
            steps=len(np.unique(ints)),
            steps_of=self._steps(number),
            clipped=clipped,
            dead=dead,
            dead_float=dead_float,
            added=relative_error(golden, alone),
            error=relative_error(golden, exact),
            agreement=agreement,
            output_error=error,
            remarks=remarks(
                name if layer is None else f"layer {name}",
                alone,
                act_width=network.config.act_width,
                powers=powers,
                frac=self.frac(number),
                best=best,
                clipped=clipped,
                died=dead - dead_float,
            ),
            histogram=_histogram(exact, golden),
        )

    def _powers(self, number: int) -> Powers:
        """What activations at a place are rounded to."""
        return self.network.powers[self.ends[number - 1] + 1 if number else 0]

    def _steps(self, number: int) -> int:
        """Values on the grid at a place; of those that can be."""
        powers, signed = self._powers(number), self._signed(number)
        every = 1 << (self.network.config.act_width - (0 if signed else 1))
        if powers.terms > 1:  # inputs, of either sign
            return len(np.unique(split(np.arange(-every // 2, every // 2), powers).sum(axis=0)))
        return 1 + len(powers.levels) * (2 if signed else 1) if powers.levels else every

    def _signed(self, number: int) -> bool:
        """Values can be negative."""
        last = self.network.layers[self.ends[number - 1]]
        return not number or activation_of(last.kind, last.activation).signed

    def _best(self, number: int, values: Reals) -> int:
        """The scale that the compiler would choose for these values, if it may choose."""
        act_width, most = self.network.config.act_width, MAX_FRAC
        if number:
            last = self.network.layers[self.ends[number - 1]]
            if activation_of(last.kind, last.activation).out_frac is not None:
                return last.out_frac
            most = min(most, last.weight_frac + last.in_frac)
        return activation_frac(
            values, act_width=act_width, powers=self._powers(number), max_frac=most
        )

    def _outputs(self, number: int) -> tuple[float | None, float]:
        """Agreement and relative error of the outputs, with golden up to a place."""
        golden, every = self.golden(number), self.network.head is None and self.network.recurrent

        def mixed(place: int, values: Reals) -> Reals:
            return golden if place == number else values

        got, exact = self.model.predict(self.real, self.lengths, rounding=mixed), self.outputs
        if every:
            got, exact = got[self.valid[-1]], exact[self.valid[-1]]
        same = None
        if has_classes(self.network):
            same = 100.0 * float(np.mean(got.argmax(axis=-1) == exact.argmax(axis=-1)))
        return same, relative_error(got, exact)


def _ends_of(powers: Powers, act_width: int) -> tuple[float, float, float]:
    """The grid's ends, and how far beyond them a value is clipped; in steps."""
    levels = powers.levels
    if levels and powers.terms == 1:
        return -levels[-1], levels[-1], (levels[-1] - levels[-2]) / 2
    limit = 1 << (act_width - 1)
    return -limit, limit - 1, 0.5


def _quantiles(values: Reals) -> tuple[float, ...]:
    return tuple(np.quantile(values, QUANTILES).tolist())


def _histogram(exact: Reals, golden: Reals) -> Histogram:
    low, high = min(exact.min(), golden.min()), max(exact.max(), golden.max())
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    counts = [tuple(np.histogram(values, edges)[0].tolist()) for values in (exact, golden)]
    return Histogram(edges=tuple(edges.tolist()), float=counts[0], golden=counts[1])
