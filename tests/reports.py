"""A report for networks that no compiler has made."""

from golden.format.network import Network
from golden.report import LayerReport, Quality, Report, SizeBits


def report_of(network: Network) -> Report:
    """Some figures, one of each kind."""
    return Report(
        layers=tuple(
            LayerReport(
                name=layer.name,
                density=0.25,
                nnz=layer.nnz,
                entries=layer.nnz + 1,
                padding=1,
                entries_per_pe=(layer.nnz, 1),
                mse=1e-5,
                kind=layer.kind.value,
            )
            for layer in network.layers
        ),
        strategy="lpt",
        balanced=None,
        notes=("é",),
        board=None,
        size_bits=SizeBits(dense=64, stored=32),
        compression_ratio=2.0,
        quality=Quality(
            samples=9, held_out=False, agreement=None, refitted=False, relative_error=0.5
        ),
        warnings=(),
        figures={"accuracy": {"float": 98.0, "golden": 97.5}},
    )
