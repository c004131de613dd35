"""The layers of the four networks of MLPerf Tiny (Banbury et al., 2021), without their weights."""

from dataclasses import dataclass

from golden.maps.convolution import Shape, Source


@dataclass(frozen=True, kw_only=True)
class Step:
    """One layer; what it reads is counted back from it, 1 is the layer before it."""

    outputs: int
    kernel: tuple[int, int] | None = (3, 3)
    """None: the whole map."""
    stride: int = 1
    depthwise: bool = False
    mean: bool = False
    """The sum of each channel's map."""
    source: int = 1
    add: int = 0
    """What is added to it; 0 for nothing."""
    add_stride: int = 0
    """That is added unchanged if 0, or by a 1 x 1 kernel with this stride."""

    def sources(self, number: int, shapes: list[Shape]) -> tuple[list[Source], tuple[int, int]]:
        """As layer `number`, and the rows and columns of its output; `shapes` of all before it.

        Pads are TensorFlow's "same": if they cannot be equal, there is one more at the end.
        """
        layer = number - self.source
        _, *size = shapes[layer + 1]
        if self.kernel is None:
            whole = (size[0], size[1])
            first = Source(layer=layer, kernel=whole, depthwise=self.mean, uniform=self.mean)
            return [first], (1, 1)
        shape = tuple(-(-n // self.stride) for n in size)
        pads = [
            max(0, (out - 1) * self.stride + k - n) // 2
            for out, k, n in zip(shape, self.kernel, size, strict=True)
        ]
        found = [
            Source(
                layer=layer,
                kernel=self.kernel,
                stride=(self.stride, self.stride),
                pad=(pads[0], pads[1]),
                depthwise=self.depthwise,
            )
        ]
        if self.add:
            stride = self.add_stride or 1
            found.append(
                Source(
                    layer=number - self.add,
                    kernel=(1, 1),
                    stride=(stride, stride),
                    depthwise=not self.add_stride,
                )
            )
        return found, (shape[0], shape[1])


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """A network of the benchmark."""

    title: str
    given: Shape
    """Shape of its input."""
    steps: tuple[Step, ...]
    active: tuple[float, ...]
    """Share of each layer's outputs that are not 0, those behind a ReLU: of the benchmark's trained
    network, unpruned, with 8-bit activations, on a sample input."""
    target: int
    """Most cycles of an inference on 16 PEs, weights at density 0.3."""


def _separable(*layers: tuple[int, int, int]) -> tuple[Step, ...]:
    """Depthwise and pointwise layers in turn, from inputs, outputs and stride of each pair."""
    found = []
    for inputs, outputs, stride in layers:
        found.append(Step(outputs=inputs, stride=stride, depthwise=True))
        found.append(Step(outputs=outputs, kernel=(1, 1)))
    return tuple(found)


def _block(inputs: int, outputs: int) -> tuple[Step, ...]:
    """Two layers and a way around them."""
    if inputs == outputs:
        return Step(outputs=outputs), Step(outputs=outputs, add=2)
    return Step(outputs=outputs, stride=2), Step(outputs=outputs, add=2, add_stride=2)


_WIDTHS = (
    *((8, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2)),
    *(((128, 128, 1),) * 5),
    *((128, 256, 2), (256, 256, 1)),
)

NETWORKS = {
    "kws": Shapes(
        title="DS-CNN, keyword spotting",
        given=(1, 49, 10),
        steps=(
            Step(outputs=64, kernel=(10, 4), stride=2),
            *_separable(*((64, 64, 1),) * 4),
            Step(outputs=64, kernel=None, mean=True),
            Step(outputs=12, kernel=None),
        ),
        active=(0.39, 0.26, 0.37, 0.35, 0.43, 0.38, 0.28, 0.15, 0.39),
        target=34_000,
    ),
    "ic": Shapes(
        title="ResNet-8, image classification",
        given=(3, 32, 32),
        steps=(
            Step(outputs=16),
            *_block(16, 16),
            *_block(16, 32),
            *_block(32, 64),
            Step(outputs=64, kernel=None, mean=True),
            Step(outputs=10, kernel=None),
        ),
        active=(0.70, 0.56, 0.70, 0.51, 0.53, 0.26, 0.28),
        target=156_000,
    ),
    "vww": Shapes(
        title="MobileNetV1 .25, visual wake words",
        given=(3, 96, 96),
        steps=(
            Step(outputs=8, stride=2),
            *_separable(*_WIDTHS),
            Step(outputs=256, kernel=None, mean=True),
            Step(outputs=2, kernel=None),
        ),
        active=(
            *(0.90, 0.80, 0.81, 0.82, 0.77, 0.49, 0.61, 0.74, 0.58, 0.48, 0.51, 0.49, 0.55, 0.34),
            *(0.38, 0.16, 0.20, 0.08, 0.17, 0.05, 0.27, 0.09, 0.42, 0.16, 0.25, 0.08, 0.03),
        ),
        target=150_000,
    ),
    "ad": Shapes(
        title="autoencoder, anomaly detection",
        given=(640, 1, 1),
        steps=tuple(
            Step(outputs=n, kernel=None) for n in (128, 128, 128, 128, 8, 128, 128, 128, 128, 640)
        ),
        active=(0.51, 0.45, 0.46, 0.35, 1.0, 0.51, 0.48, 0.51, 0.73),
        target=4_600,
    ),
}
"""By the benchmark's name."""
