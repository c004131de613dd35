"""ESE's LSTM layer and others, at their real sizes: cycles, golden and RTL."""
