"""Costs of a run: parameters, FLOPs, seconds and memory."""

from __future__ import annotations

import resource
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

from likewise.data.products import Products, to_float


def flops_per_product(encoder: nn.Module, product: Products) -> int:
    """Count the floating-point operations of embedding one product; a multiply-add is two.

    Args:
        product: one product, on the encoder's device.
    """
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    # Fused recurrent kernels hide their matrix products from the counter.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="TF32 acceleration")
        with (
            torch.no_grad(),
            torch.backends.mkldnn.flags(enabled=False),
            torch.backends.cudnn.flags(enabled=False),
            counter,
        ):
            encoder(to_float(product))
    return counter.get_total_flops()


class PeakMemory:
    """Highest memory of the process (host) or of the device since ``start``, in MB."""

    def start(self) -> None:
        """Reset the peaks, so that runs of one process are measured separately."""
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        # Linux only; elsewhere the peak of the whole process is reported.
        if Path("/proc/self/clear_refs").exists():
            with suppress(OSError):
                Path("/proc/self/clear_refs").write_text("5")

    def host_mb(self) -> float:
        """Return the peak resident memory in MB (10^6 bytes)."""
        status = Path("/proc/self/status")
        if status.exists():
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) * 1024 / 1e6
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

    def device_mb(self) -> float:
        """Return the peak memory that torch allocated on the GPU in MB; 0 without a GPU."""
        return torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else 0.0


class Stopwatch:
    """Measures the seconds of a ``with`` block, after the device has finished its work."""

    seconds = 0.0

    def __enter__(self) -> Stopwatch:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds = time.perf_counter() - self._start
