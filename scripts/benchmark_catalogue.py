"""Seconds and peak memory of cleaning, de-duplicating and embedding a synthetic catalogue.

The catalogue is written as Parquet in pieces, loaded memory-mapped, cleaned by ``cleaning=default``
and de-duplicated by ``deduplication=default``, each catalogue in a process of its own. Eight
products each differ in their colour only; a tenth of the products are listings of another one once
more, with a wrong letter, other punctuation or words in another order, so that the share of them
that is found can be measured.

Last, the command line trains an encoder of texts on a small catalogue and embeds the large one with
it, which reads, repairs, cleans and embeds all of it.

    python scripts/benchmark_catalogue.py --rows 100000 1000000
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CONFIGS = Path(__file__).parents[1] / "configs"
PIECE = 20_000
AGAIN = 0.1
CHANGES = ("letter", "punctuation", "order")
SYLLABLES = [a + b for a in "bdfglmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "el", "or")]
COLOURS = ["black", "white", "blue", "red", "green", "grey", "silver", "pink"]
SIZES = ["small", "medium", "large", "64 GB", "128 GB", "10 cm", "25 cm", "1.5 l"]
KINDS = ["phone", "kettle", "jacket", "lamp", "backpack", "drill", "headphones", "shelf"]
USES = ["for home and garden", "for daily use", "with two year warranty", "made for travel"]


def pieces(rows: int) -> Iterator[pa.Table]:
    """``product_id``, ``title``, ``description``, ``brand``, ``price`` and ``of``: the listing that
    a product repeats, or itself."""
    for start in range(0, rows, PIECE):
        generator = np.random.default_rng(start)
        count = min(PIECE, rows - start)
        numbers = np.arange(start, start + count)
        again = generator.random(count) < AGAIN
        again[0] = False
        originals = np.flatnonzero(~again)
        place = np.where(again, generator.choice(originals, count), np.arange(count))
        listings = [_listing(int(numbers[row])) for row in place]
        for row in np.flatnonzero(again):
            change = CHANGES[generator.integers(len(CHANGES))]
            listings[row]["title"] = _changed(listings[row]["title"], change, generator)
        yield pa.table(
            {
                "product_id": [str(number) for number in numbers],
                **{name: [row[name] for row in listings] for name in listings[0]},
                "of": [str(number) for number in numbers[place]],
            }
        )


def _listing(number: int) -> dict[str, Any]:
    """A product: one of eight that differ in their colour only; half of all have a model number."""
    family = number // len(COLOURS)
    pick = np.random.default_rng([7, family]).integers(2**31, size=32).tolist()
    brand = (SYLLABLES[pick[0] % 40] + SYLLABLES[pick[1] % 40]).capitalize()
    words = [
        "".join(SYLLABLES[pick[2 * i + j] % len(SYLLABLES)] for j in (0, 1)) for i in range(2, 16)
    ]
    kind, colour, size = KINDS[pick[2] % 8], COLOURS[number % 8], SIZES[pick[30] % 8]
    model = f" {words[0][:2].upper()}-{family}" if family % 2 else ""
    use = USES[pick[31] % 4]
    return {
        "title": f"{brand} {kind} {words[1]}{model} {colour}, {size}, {use}",
        "description": (
            f"<p>The <b>{brand}&nbsp;{kind}</b> of the {words[2]} &amp; {words[3]} range:</p><ul>"
            f"<li>{' '.join(words[4:9])}</li><li>{' '.join(words[9:])}</li></ul>"
            f"Colour:&#32;{colour} &ndash; size: {size}.<br/>"
        ),
        "brand": brand,
        "price": 1 + pick[4] % 50_000 / 100,
    }


def _changed(title: str, change: str, generator: np.random.Generator) -> str:
    if change == "letter":
        first = title.split(" ", 1)[0]
        place = int(generator.integers(1, len(first)))
        return title[:place] + title[place - 1] + title[place:]
    if change == "punctuation":
        return title.replace(",", " -", 1) + "!"
    first, second, rest = title.split(" ", 2)
    return f"{second} {first} {rest}"


def measure(folder: Path) -> dict[str, float]:
    """Seconds of each stage and MB at its end, in this process."""
    from datasets import disable_progress_bars, load_dataset
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    from likewise.data.cleaning.catalogue import clean_catalogue

    # Imported here, so that its memory counts as that of imports.
    import_module("likewise.data.deduplication")
    disable_progress_bars()
    cleaning = instantiate(OmegaConf.load(CONFIGS / "cleaning/default.yaml"), _convert_="all")
    deduplication = instantiate(OmegaConf.load(CONFIGS / "deduplication/default.yaml"))
    facts: dict[str, float] = {"MB of imports": peak()}

    def stage(name: str, started: tuple[float, float]) -> tuple[float, float]:
        now = time.perf_counter(), time.process_time()
        facts[f"{name}: seconds"], facts[f"{name}: CPU seconds"] = (
            after - before for after, before in zip(now, started, strict=True)
        )
        facts[f"{name}: peak MB so far"] = peak()
        return now

    clock = time.perf_counter(), time.process_time()
    files = str(folder / "*.parquet")
    loaded = load_dataset("parquet", data_files=files, split="train", cache_dir=str(folder))
    clock = stage("load", clock)
    cleaned, _ = clean_catalogue(loaded.remove_columns("of"), cleaning)
    clock = stage("clean", clock)
    found = deduplication.find(cleaned)
    stage("de-duplicate", clock)
    facts["sets"] = int(found.groups.max()) + 1
    # The catalogue's rows are numbered by their product_id.
    original = np.array(loaded["of"][:]).astype(np.int64)
    again = original != np.arange(len(original))
    facts["repeated listings"] = int(again.sum())
    facts["of them found"] = int((found.groups == found.groups[original])[again].sum())
    facts["wrongly joined"] = len(original) - facts["sets"] - facts["of them found"]
    return facts


def embed(folder: Path) -> dict[str, float]:
    """Seconds and MB of ``likewise embed`` over all pieces, read as one table."""
    table, small, output = folder / "all.parquet", folder / "small.parquet", folder / "runs"
    files = sorted(folder.glob("0*.parquet"))
    with pq.ParquetWriter(table, pq.read_schema(files[0])) as writer:
        for file in files:
            writer.write_table(pq.read_table(file))
    pq.write_table(pq.read_table(files[0]).slice(0, 2000), small)
    likewise = [sys.executable, "-m", "likewise"]
    options = ["data=table", f"data.path={small}", "data.columns.group=of", "data.image_size=null"]
    options += ["encoder=bag", "text=ngrams", "trainer.max_epochs=1", "batch_size=64"]
    own = {**os.environ, "LIKEWISE_CACHE": str(folder / "cache")}

    def run(*words: str) -> str:
        done = subprocess.run([*likewise, *words], check=True, capture_output=True, env=own)
        return done.stdout.decode().splitlines()[-1]

    trained = run("train", *options, "logger=none", f"output={output}")
    started = time.perf_counter()
    written = run("embed", trained, "--split", "all", f"data.path={table}")
    facts = {"embed: seconds": time.perf_counter() - started}
    # Of the two commands the second is by far the larger.
    facts["embed: peak MB"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6 * 1024
    facts["embedded products"] = pq.read_metadata(written).num_rows
    return facts


def peak() -> float:
    """Largest resident memory of this process so far, in MB; mapped files count once read."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6 * 1024


def main() -> None:
    """Make and measure a catalogue of each size, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--embed", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        found = embed(options.measure) if options.embed else measure(options.measure)
        print(json.dumps(found))
        return
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            for number, piece in enumerate(pieces(rows)):
                pq.write_table(piece, Path(folder) / f"{number:05}.parquet")
            print(f"\n{rows} products")
            for stage in ([], ["--embed"]):
                command = [sys.executable, __file__, "--measure", folder, *stage]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                for name, value in json.loads(done.stdout.splitlines()[-1]).items():
                    print(f"  {name}: {value:.6g}", flush=True)


if __name__ == "__main__":
    main()
