"""What a board has besides the engine: serial line, inputs, answers, loader."""
