"""The engine as compiled C++ (Yosys' CXXRTL)."""
