"""Hypothesis without a clock and always the same, so that every run tests the same cases."""

import gc
import os
import signal

from hypothesis import HealthCheck, settings

# Set before any tool starts: the suite must not depend on who runs it.
os.environ.setdefault("PYTHONHASHSEED", "0")
# A process for each core already: numpy's threads would only wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# nohup has it ignored, here and in the commands that tests end with it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# So has a shell for what it starts in the background.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Engines are made of many small objects that live as long as their test: looking for garbage among
# them took a tenth of the time of a simulation.
gc.set_threshold(50_000, 20, 100)

settings.register_profile(
    "elsie",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("elsie")
