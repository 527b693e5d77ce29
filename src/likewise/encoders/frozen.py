"""The frozen lower layers of a network, whose output on each product is computed once."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from likewise.encoders.base import Encoder
from likewise.errors import LikewiseError

# What ``null`` instead of a budget does, for error messages.
CACHE_ADVICE = "compute what frozen layers give at every step"
# Numbers of a block of memory or of a file: 64 MiB of float32.
BLOCK = 2**24
# Bytes that are written to a new file at once.
CHUNK = 2**20
# Products that go through the frozen layers together.
BATCH = 64
# Caches that a process keeps: one for texts and one for pictures, for the next seed of a study.
STORES = 2
_stores: OrderedDict[str, StateStore] = OrderedDict()


class StateStore:
    """Tensors by key: in memory up to a budget, and then in temporary files that are mapped.

    A tensor for which neither has room is not stored, and is computed again when it is needed.

    Args:
        budget: bytes in memory.
    """

    def __init__(self, budget: int) -> None:
        self.budget, self.in_memory, self.in_files = budget, 0, 0
        self._states: dict[bytes, Tensor] = {}
        self._block, self._used = torch.empty(0), 0

    def get(self, key: bytes) -> Tensor | None:
        """Return the stored tensor, or ``None``."""
        return self._states.get(key)

    def add(self, key: bytes, state: Tensor) -> None:
        """Store a copy of a float32 tensor, if there is room."""
        size = state.numel()
        if self._used + size > len(self._block):
            if (block := self._new_block(max(BLOCK, size))) is None:
                return
            self._block, self._used = block, 0
        place = self._block[self._used : self._used + size].view(state.shape)
        place.copy_(state)
        self._states[key] = place
        self._used += size

    def _new_block(self, size: int) -> Tensor | None:
        needed = 4 * size
        if self.in_memory + needed <= self.budget:
            self.in_memory += needed
            return torch.empty(size)
        # Half of what is free stays free. Space is reserved, because a write to a mapped file on a
        # full disk would end the process.
        if shutil.disk_usage(tempfile.gettempdir()).free < 2 * needed:
            return None
        try:
            # The mapping stays after the file has lost its name, and ends with the process.
            with tempfile.NamedTemporaryFile(prefix="likewise-frozen-") as file:
                for _ in range(0, needed, CHUNK):
                    file.write(bytes(CHUNK))
                file.flush()
                block = torch.from_file(file.name, shared=True, size=size)
        except OSError:
            return None
        self.in_files += needed
        return block


class FrozenLayers:
    """The modules at the start of a network that are not trained.

    The network itself is not taken apart. To compute what the frozen modules give, it runs until
    the last of them has been called. To go on from there, it runs with stand-ins for these modules,
    the last of which returns the given states. So masks and positions are made as they always are.

    Args:
        network: all its frozen parameters are part of the key of what is kept.
        modules: in the order in which the network calls them.
        name: everything else that the states depend on, such as options of the encoder.
        budget: bytes of states in memory; see ``StateStore``.
    """

    def __init__(
        self,
        network: nn.Module,
        modules: Sequence[nn.Module],
        name: str,
        budget: int,
    ) -> None:
        self.network, self.modules, self.name = network, list(modules), name
        self.budget = budget
        # By module, if what follows in the network depends on the shape of what it gives.
        self._shapes: dict[nn.Module, tuple[int, ...]] = {}
        self.checked = False
        # How many values a module gives, of which the first are the states; 0 for a tensor.
        self._values = 0
        self._store: StateStore | None = None
        self._version: tuple[int, ...] = ()

    @torch.no_grad()
    def record_shapes(self, run: Callable[[], Any]) -> None:
        """Let stand-ins give the shapes that the modules give while ``run`` calls the network.

        Modules that it does not call are left out.
        """

        def record(module: nn.Module, inputs: Any, output: Tensor) -> None:
            self._shapes[module] = tuple(output.shape[1:])

        handles = [module.register_forward_hook(record) for module in self.modules]
        try:
            run()
        finally:
            for handle in handles:
                handle.remove()
        self.modules = [module for module in self.modules if module in self._shapes]

    def lower(self, run: Callable[[], Any]) -> Tensor:
        """Return what the last module gives while ``run`` calls the network, which ends there."""

        def stop(module: nn.Module, inputs: Any, output: Any) -> None:
            raise _Reached(output)

        handle = self.modules[-1].register_forward_hook(stop)
        try:
            run()
        except _Reached as reached:
            output = reached.output
        finally:
            handle.remove()
        self._values = len(output) if isinstance(output, tuple) else 0
        return output[0] if self._values else output

    @contextmanager
    def skipped(self, states: Tensor) -> Iterator[None]:
        """Run the network from the states, float [b, ...], in this context."""
        for module in self.modules:
            value = states
            if module is not self.modules[-1] and module in self._shapes:
                value = states.new_zeros(1).expand(len(states), *self._shapes[module])
            # An attribute of the instance hides the method of the class.
            object.__setattr__(module, "forward", _stand_in(value, self._values))
        try:
            yield
        finally:
            for module in self.modules:
                object.__delattr__(module, "forward")

    def states(self, values: Tensor, compute: Callable[[Tensor], list[Tensor]]) -> list[Tensor]:
        """Return what the frozen layers give of each product, computed once.

        Args:
            values: the tensor of the modality, [b, ...].
            compute: maps some of its rows to one float32 tensor per row.
        """
        store = self._current_store()
        rows = values.detach().cpu().numpy()
        keys = [_digest(row.tobytes().rstrip(b"\0")) for row in rows]
        found = {key: state for key in keys if (state := store.get(key)) is not None}
        missing = {key: row for row, key in enumerate(keys) if key not in found}
        if missing:
            # Rows of about equal length share a batch, because padding costs time.
            lengths = (rows != 0).reshape(len(rows), -1).sum(1)
            order = sorted(missing, key=lambda key: lengths[missing[key]])
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                places = torch.tensor([missing[key] for key in chosen], device=values.device)
                with torch.no_grad(), torch.autocast(values.device.type, enabled=False):
                    computed = compute(values[places])
                for key, state in zip(chosen, computed, strict=True):
                    found[key] = state
                    store.add(key, state)
        return [found[key].to(values.device) for key in keys]

    @torch.no_grad()
    def check(self, whole: Tensor, resumed: Tensor) -> None:
        """Refuse a network that gives something else when it goes on from its frozen layers.

        Raises:
            LikewiseError: the outputs differ.
        """
        self.checked = True
        if not torch.allclose(whole, resumed, rtol=1e-3, atol=1e-4 * float(whole.abs().max())):
            raise LikewiseError(
                "this model cannot go on from what its frozen layers give, because its upper "
                "layers read more than that; set encoder.frozen_cache=null or freeze another "
                "number of layers"
            )

    def _current_store(self) -> StateStore:
        """The cache of these weights; a change of weights leads to another one."""
        tensors: list[Tensor] = [one for one in self.network.parameters() if not one.requires_grad]
        tensors += [one for module in self.modules for one in module.buffers()]
        version = tuple(number for one in tensors for number in (one.data_ptr(), one._version))
        if self._store is None or version != self._version:
            content = hashlib.blake2b()
            for one in tensors:
                content.update(one.detach().cpu().contiguous().view(-1).numpy().tobytes())
            key = f"{content.hexdigest()} {self.name} {len(self.modules)} {self.budget}"
            self._store = _stores.pop(key, None) or StateStore(self.budget)
            self._version = version
            _stores[key] = self._store
            while len(_stores) > STORES:
                _stores.popitem(last=False)
        return self._store


class _Reached(Exception):
    """The last frozen module was called."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self.output = output


def _stand_in(value: Tensor, values: int) -> Callable[..., Any]:
    given = (value, *[None] * (values - 1)) if values else value
    return lambda *inputs, **options: given


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


@contextmanager
def caching_frozen_layers(module: nn.Module) -> Iterator[None]:
    """Let the encoders in a module keep what their frozen layers give, in this context.

    Products are read once per epoch in training, and only once afterwards.
    """
    encoders = [part for part in module.modules() if isinstance(part, Encoder)]
    for encoder in encoders:
        encoder.caching = True
    try:
        yield
    finally:
        for encoder in encoders:
            encoder.caching = False
