"""The host's side of the link: drives a board, or a simulated one.

>>> from elsie.host import Board
>>> with Board.open() as board:  # doctest: +SKIP
...     board.load(network)
...     y = board.run(x)

No thread is started, and nothing is shared between boards: each call sends, waits and returns.
"""

from elsie.host.board import Board
from elsie.host.errors import BoardError, NoAnswer, NoPort, WrongNetwork
from elsie.host.measured import Measured

__all__ = ["Board", "BoardError", "Measured", "NoAnswer", "NoPort", "WrongNetwork"]
