"""The benchmark's networks from ONNX files, with the samples that came with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elsie.compress.compiler import compile_model
from elsie.compress.model.layer import Reals
from elsie.compress.onnx.registry import load_onnx
from elsie.compress.options import CompileOptions
from elsie.compress.quality import relative_error
from elsie.data import load_data, load_inputs
from golden.arithmetic.run import predict
from golden.config import EngineConfig
from golden.errors import ElsieError
from golden.format.network import Network


@dataclass(frozen=True, kw_only=True)
class Files:
    """Of each network the file, that of a sample, and that of inputs to calibrate with."""

    paths: Mapping[str, tuple[Path, Path, Path]]

    @classmethod
    def of(cls, folder: Path, networks: Sequence[str]) -> "Files":
        """NAME*.onnx with a NAME*-sample.npz, and NAME-windows.npz or NAME*-calibrate.npz if any.

        Raises ElsieError for a network of which there is not just one.
        """
        return cls(paths={name: _found(folder, name) for name in networks})

    def compiled(
        self, name: str, density: float, *, config: EngineConfig, effort: str
    ) -> tuple[Network, Reals, str, float | None]:
        """The network, the sample, how it was compressed, and the error of its outputs for that.

        Outputs are compared with those of the float model, whose last function may be left out.
        """
        model, sample, calibrate = self.paths[name]
        float_model = load_onnx(model)
        x = load_data(sample, float_model, labels=False).x[:1]
        network = compile_model(
            float_model,
            load_inputs(calibrate),
            config=config,
            options=CompileOptions(density=density, effort=effort),
        )
        exact = float_model.predict(x)
        error = relative_error(predict(network, x).T, exact.T)
        return network, x, f"{model.name}, {effort}", error


def _found(folder: Path, name: str) -> tuple[Path, Path, Path]:
    models = sorted(folder.glob(f"{name}*.onnx"))
    if len(models) != 1:
        raise ElsieError(
            f"{folder}: it has {len(models)} files {name}*.onnx; --models needs just one for each "
            f"network, with inputs x in {name}*-sample.npz"
        )
    samples = sorted(folder.glob(f"{name}*-sample.npz"))
    if len(samples) != 1:
        raise ElsieError(f"{folder}: there must be one {name}*-sample.npz, not {len(samples)}")
    others = [*folder.glob(f"{name}*-windows.npz"), *folder.glob(f"{name}*-calibrate.npz")]
    return models[0], samples[0], sorted(others)[0] if others else samples[0]
