"""The engine as Verilog, and a testbench for it."""
