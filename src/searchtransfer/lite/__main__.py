# SPDX-License-Identifier: Apache-2.0
"""`python -m searchtransfer.lite small.png -r sharp.png -o large.png --network fusion-x4.onnx`."""

import argparse
import sys
import warnings
from pathlib import Path

from ..errors import SearchTransferError
from . import upscaler


def main(arguments: list[str] | None = None) -> int:
    """Upscale one picture; returns the exit code."""
    parser = argparse.ArgumentParser(
        "python -m searchtransfer.lite", description="Upscale a picture without torch."
    )
    parser.add_argument("input", type=Path, help="the small picture")
    parser.add_argument("-r", "--ref", type=Path, action="append", help="a sharp photo; repeatable")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the file to write")
    parser.add_argument("--network", type=Path, help="FusionNet, as `export` wrote it")
    parser.add_argument("--worn", type=Path, help="the one for worn pictures")
    parser.add_argument("--scale", type=int, help="2, 3, 4 or 8, without a network")
    parser.add_argument("--wear", default="auto", help="auto, clean, or what `upscale` takes")
    parser.add_argument("--overwrite", action="store_true", help="replace the output")
    said = parser.parse_args(arguments)
    try:
        with warnings.catch_warnings(record=True) as told:
            made = upscaler(said.network, worn=said.worn, scale=said.scale, wear=said.wear)
            result = made.upscale(said.input, said.ref)
            result.save(said.output, on_exists="overwrite" if said.overwrite else "error")
        for text in dict.fromkeys(str(x.message) for x in told):
            sys.stderr.write(f"warning: {text}\n")
    except SearchTransferError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
