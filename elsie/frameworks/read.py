"""A network as a user has it: an ONNX file, a PyTorch module or a scikit-learn estimator."""

# pyright: reportAttributeAccessIssue=false, reportMissingImports=false
# Where PyTorch is not installed, pyright takes elsie.torch for it.

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elsie.compress.model.model import Model
from elsie.data import load_inputs
from elsie.frameworks.extras import need
from golden.errors import ElsieError

Source = str | Path | Any
"""An ONNX file, a torch.nn.Module or a fitted estimator of scikit-learn."""


def read_model(model: Source, output: str | None, inputs: ArrayLike | str | Path) -> Model:
    """The float model; modules and estimators are exported to ONNX first.

    output: as for elsie.compress.onnx.registry.load_onnx. inputs: real ones (samples, ...), or a
    file of them, of which the exporters take the first two. Raises ElsieError for anything else.
    """
    from elsie.compress.onnx.registry import load_onnx  # imports onnx, which is slow

    if isinstance(model, str | Path):
        return load_onnx(model, output)
    export = next((EXPORTERS[name] for name in _families(model) if name in EXPORTERS), None)
    if export is None:
        raise ElsieError(
            f"a model must be an ONNX file, a torch.nn.Module or an estimator of scikit-learn, "
            f"not {type(model).__name__}"
        )
    given = load_inputs(inputs) if isinstance(inputs, str | Path) else np.asarray(inputs)
    if given.ndim < 2 or len(given) < 2 or given.dtype.kind not in "buif":
        raise ElsieError(
            f"the exporter needs at least two samples of numbers, (samples, ...), and the data "
            f"have shape {given.shape}"
        )
    x = given[:2].astype(np.float32)
    with tempfile.TemporaryDirectory(prefix="elsie-") as folder:
        path = Path(folder) / f"{type(model).__name__.lower()}.onnx"
        export(model, x, path)
        try:
            return load_onnx(path, output)
        except ElsieError as error:  # a file that nobody has seen
            said = str(error).replace(f"{path}: ", f"{type(model).__name__} as ONNX: ")
            raise ElsieError(said) from None


def _families(model: Any) -> list[str]:
    """Packages of the classes that it is made of; none of them is imported for this."""
    return [cls.__module__.partition(".")[0] for cls in type(model).__mro__]


def _module(model: Any, x: NDArray[np.float32], path: Path) -> None:
    need("torch", "torch", "onnxscript", what="a PyTorch module")
    import torch

    from elsie.torch.export import export_onnx

    if not isinstance(model, torch.nn.Module):
        raise ElsieError(f"a {type(model).__name__} of PyTorch is no torch.nn.Module; give that")
    export_onnx(model, torch.from_numpy(x), path)


def _estimator(model: Any, x: NDArray[np.float32], path: Path) -> None:
    need("sklearn", "sklearn", "skl2onnx", what="an estimator of scikit-learn")
    from skl2onnx import to_onnx
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    name = type(model).__name__
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise ElsieError(f"the {name} is not fitted; call fit first") from None
    except TypeError:
        raise ElsieError(f"{name} is no estimator that can be fitted; give a fitted one") from None
    try:
        made = to_onnx(model, x[:1])
    except Exception as error:  # of many kinds, skl2onnx's own too
        said = " ".join(str(error).split())[:200]
        raise ElsieError(f"skl2onnx cannot export the {name} ({said}); choose another") from None
    path.write_bytes(made.SerializeToString(deterministic=True))


EXPORTERS: dict[str, Callable[[Any, NDArray[np.float32], Path], None]] = {
    "torch": _module,
    "sklearn": _estimator,
}
"""Package -> what writes its networks as ONNX."""
