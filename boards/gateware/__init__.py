"""The parts of a board's design besides the engine: serial line, inputs, answers, loader."""
