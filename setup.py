"""What pyproject.toml cannot say: the wheel brings the digits example, which `elsie demo` runs."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DIGITS = Path("examples", "digits")


class BuildWithExample(build_py):
    """Puts the models and data into the package; an editable install finds them in the checkout."""

    def run(self) -> None:
        """Copy the packages, then the example."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "elsie", DIGITS)
        self.mkpath(str(target))
        for file in sorted([*DIGITS.glob("*.onnx"), *DIGITS.glob("*.npz")]):
            self.copy_file(str(file), str(target / file.name))


setup(cmdclass={"build_py": BuildWithExample})
