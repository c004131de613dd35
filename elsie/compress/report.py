"""The report of a compiled network: layers, sizes and accuracies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elsie.compress.kinds.registry import KINDS
from elsie.compress.kinds.step import Quantised
from elsie.compress.model.layer import FloatLayer, Part, Reals
from elsie.compress.model.model import Model
from elsie.compress.options import CompileOptions, Evaluation
from elsie.compress.prune.even import Owners
from elsie.compress.quantise.calibrate import fake_quantise
from elsie.compress.quantise.schemes import Scheme
from elsie.compress.scores import Score, score_for
from golden.arithmetic.run import predict
from golden.format import csc, layout
from golden.format.address_map import AddressMap
from golden.format.layer import Layer
from golden.format.network import Network
from golden.maps.checks import as_shape
from golden.maps.places import Places
from golden.record import Record
from golden.report import LayerReport, Quality, Report, SizeBits


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One layer of the model on its way through the compiler."""

    pruned: FloatLayer
    """With the weights that are left."""
    owners: Owners
    """For which PEs each of its parts was pruned."""
    quantised: Quantised
    """In integers."""


def layer_reports(network: Network, steps: Sequence[Step]) -> tuple[LayerReport, ...]:
    """Of each integer layer."""
    held = _stored(network)
    found: list[LayerReport] = []
    for step in steps:
        pairs = zip(step.pruned.parts(), step.quantised.shown.parts(), strict=True)
        for before, after in pairs:
            number = len(found)
            layer, per_pe = network.layers[number], held[number].per_pe
            weights, kept = _flat(before), _flat(after)
            error = (kept - weights)[weights != 0]
            lost = int(np.count_nonzero((weights != 0) & (kept == 0)))
            shared, scheme = KINDS[step.pruned.kind].shared_scale, step.pruned.scheme
            own = scheme not in (None, Scheme.of(network.config))
            one = LayerReport(
                name=layer.name,
                density=round(_density(layer, weights, kept), 6),
                nnz=layer.nnz,
                entries=int(per_pe.sum()),
                padding=int(per_pe.sum()) - layer.nnz,
                entries_per_pe=tuple(per_pe.tolist()),
                mse=float(f"{np.mean(error**2):.4g}") if error.size else 0.0,
                kind=layer.kind.value if shared else None,
                lost=lost if shared else None,
                weights=str(scheme) if own else None,
            )
            found.append(one)
    return tuple(found)


def _density(layer: Layer, weights: Reals, kept: Reals) -> float:
    """The share of the weights that is left; on maps, of those that may be pruned."""
    if layer.maps:
        return np.count_nonzero(kept) / weights.size if weights.size else 1.0
    return layer.nnz / weights.size


def _flat(part: Part) -> Reals:
    """All weights of a part."""
    return np.concatenate([matrix.reshape(-1) for matrix in part.matrices])


def sizes(network: Network, model: Model) -> SizeBits:
    """Of the model and of what it has become."""
    dense = 32 * sum(values.size for layer in model.layers for values in layer.parameters())
    return SizeBits(dense=dense, stored=sum(parts.total for parts in on_chip(network)))


def begun(
    network: Network, model: Model, steps: Sequence[Step], options: CompileOptions, quality: Quality
) -> Report:
    """What is known of a compressed network without data to evaluate with."""
    size_bits = sizes(network, model)
    return Report(
        layers=layer_reports(network, steps),
        strategy=options.strategy,
        balanced=options.balanced,
        notes=(),
        board=None if options.preset is None else options.preset.board,
        size_bits=size_bits,
        compression_ratio=round(size_bits.dense / size_bits.stored, 3),
        quality=quality,
        warnings=(),
    )


@dataclass(frozen=True, kw_only=True)
class OnChip(Record):
    """Bits of a layer that are loaded into the engine: what they are is in SizeBits."""

    entries: int
    pointers: int
    codebook: int
    biases: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.entries + self.pointers + self.codebook + self.biases

    def to_dict(self) -> dict[str, int]:
        """For JSON."""
        return {**super().to_dict(), "total": self.total}


def on_chip(network: Network) -> list[OnChip]:
    """Of each layer."""
    config, held = network.config, _stored(network)
    ends = [0, *(one.end for one in held)]
    pointer = layout.width(layout.pointer(config))
    word = layout.entry_word_width(config)
    return [
        OnChip(
            entries=one.end * word // config.entry_lanes - begin * word // config.entry_lanes,
            pointers=one.columns * config.pes * pointer,
            codebook=layer.codebook.size * config.weight_width,
            biases=one.biases * config.groups * config.acc_width,
        )
        for layer, one, begin in zip(network.layers, held, ends, strict=False)
    ]


class _Stored(NamedTuple):
    """A layer in the memories."""

    per_pe: NDArray[np.int64]
    """Entries of each PE, with padding."""
    end: int
    """Places of all PEs' entries up to its end."""
    columns: int
    """Pointers of each PE."""
    biases: int
    """Of each group."""


def _stored(network: Network) -> list[_Stored]:
    """Of each layer."""
    config = network.config
    if network.maps:
        places = Places.of(config, network.layers, as_shape(network.input_shape))
        every = [one.count(config.run_width).sum(axis=1) for one in places.gaps()]
        ends = np.cumsum([each.sum() for each in every]).tolist()
        biases = [place.biases for place in places.every]
        return [*map(_Stored, every, ends, places.widths(), biases)]
    places = AddressMap.of(config, network.layers)
    counts = [
        csc.gaps(config, places.nonzeros(number), columns=region.columns).count(config.run_width)
        for number, region in enumerate(places.regions)
    ]
    return [
        _Stored(count.sum(axis=1), int(entry.end.sum()), region.columns, region.biases)
        for count, entry, region in zip(counts, places.entries(counts), places.regions, strict=True)
    ]


@dataclass(frozen=True, kw_only=True)
class Size(Record):
    """Of a network at some step."""

    bits: int
    ratio: float
    """Beside float32."""


def size_table(network: Network, *, file: int) -> dict[str, Size]:
    """At each step, for a network with its report.

    float32, on_chip: dense and stored of SizeBits. pruned: the weights that are left and all biases
    in 32 bits, and the runs of the entries. shared: codes instead, codebooks, and the biases as
    wide as the accumulator. file: the NET file of `file` bytes, manifest and all.
    """
    config, given = network.config, network.info.size_bits
    entries = sum(layer.entries for layer in network.info.layers)
    peepholes = sum(layer.peephole.size for layer in network.layers)
    kept = sum(layer.nnz for layer in network.layers) + peepholes
    biases = sum(layer.n_rows for layer in network.layers)
    books = sum(layer.codebook.size for layer in network.layers) * config.weight_width
    runs = entries * config.run_width
    codes = (entries + peepholes) * config.code_width
    bits = {
        "float32": given.dense,
        "pruned": 32 * (kept + biases) + runs,
        "shared": codes + runs + books + biases * config.acc_width,
        "file": 8 * file,
        "on_chip": given.stored,
    }
    return {
        name: Size(bits=size, ratio=round(given.dense / size, 2)) for name, size in bits.items()
    }


@dataclass(frozen=True, kw_only=True)
class LayerSizes(Record):
    """Bits of a layer, as in `size_table`."""

    float32: int
    pruned: int
    shared: int
    on_chip: OnChip


def layer_sizes(network: Network) -> list[LayerSizes]:
    """Of each layer of a network with its report."""
    config, found = network.config, []
    for layer, figures, parts in zip(
        network.layers, network.info.layers, on_chip(network), strict=True
    ):
        beside = layer.n_rows + layer.peephole.size
        runs = figures.entries * config.run_width
        codes = (figures.entries + layer.peephole.size) * config.code_width
        one = LayerSizes(
            float32=32 * (layer.n_rows * layer.n_columns + beside),
            pruned=32 * (layer.nnz + beside) + runs,
            shared=codes + runs + parts.codebook + layer.n_rows * config.acc_width,
            on_chip=parts,
        )
        found.append(one)
    return found


def stage_outputs(
    network: Network,
    *,
    model: Model,
    structured: Model,
    steps: Sequence[Step],
    data: Evaluation,
) -> dict[str, Reals]:
    """Outputs after each stage of compression, by name.

    float: the model as given. pruned: float weights after pruning, in the layers of `structured`.
    quantised: the weights that the codes stand for, in float, with the input and every layer's
    outputs quantised. golden: the integer arithmetic of the engine, delta included.
    """
    pruned = replace(structured, layers=tuple(step.pruned for step in steps))
    return {
        "float": model.predict(data.x, data.lengths),
        "pruned": pruned.predict(data.x, data.lengths),
        "quantised": quantised_outputs(network, model=structured, steps=steps, data=data),
        "golden": predict(network, data.x, data.lengths),
    }


def accuracies(
    network: Network,
    *,
    model: Model,
    structured: Model,
    steps: Sequence[Step],
    data: Evaluation,
) -> tuple[Score, dict[str, dict[str, float]]]:
    """How it is scored, and its figures, usually `accuracy` in percent, of each stage."""
    outputs = stage_outputs(network, model=model, structured=structured, steps=steps, data=data)
    samples, what = len(np.asarray(data.x)), "evaluation data"
    score = score_for(model, data.labels, samples=samples, what=what, outputs=outputs["float"])
    assert score is not None, "check_evaluation has refused such data"
    each = {stage: score.figures(values) for stage, values in outputs.items()}
    return score, {
        name: {stage: figures[name] for stage, figures in each.items()} for name in each["float"]
    }


def quantised_outputs(
    network: Network, *, model: Model, steps: Sequence[Step], data: Evaluation
) -> Reals:
    """Float outputs with quantised weights and activations (see `stage_outputs`)."""
    shown = replace(model, layers=tuple(step.quantised.shown for step in steps))
    scales = [network.layers[0].in_frac]
    scales += [step.quantised.layers[-1].out_frac for step in steps]
    act_width, powers = network.config.act_width, network.powers
    return shown.predict(
        data.x,
        data.lengths,
        rounding=lambda nth, values: fake_quantise(
            values, scales[nth], act_width=act_width, powers=powers[nth]
        ),
    )
