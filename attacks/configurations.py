# SPDX-License-Identifier: Apache-2.0
"""Hostile configurations of training."""

from collections.abc import Iterator

from attack import Attack


def good() -> bytes:
    """A sound one."""
    return b"""# A comment
model: {architecture: ttsr, blocks: [1, 1, 1, 1], features: 8}
data:
  train:
    - {layout: singles, path: photos}
  patch: 32
phases:
  - {name: a, steps: 10, losses: {l1: 1.0, transferal: 1e-2}}
optimiser: {learning_rate: 1e-4, betas: [0.9, 0.999]}
ema_decay: null
run: {folder: "out", workers: 2}
"""


def bomb(levels: int, width: int) -> str:
    """Each line stands for `width` times the one before."""
    lines = ["a0: &a0 [" + ",".join("x" * width) + "]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels)]
    return "\n".join(lines)


def attacks() -> Iterator[Attack]:
    """All of them."""
    contents = {
        "nothing": "",
        "list-as-key": "? [a, b]\n: c",
        "number-as-key": "1: a\n'1': b",
        "key-twice": "a: 1\na: 2",
        "digits": "seed: " + "9" * 5000,
        "tag-int": '!!int "0x"',
        "tag-float": 'seed: !!float "x"',
        "tag-binary": "seed: !!binary x",
        "tag-python": "a: !!python/object/apply:os.system [exit 1]",
        "bomb": bomb(10, 10),
        "narrow-bomb": bomb(300, 2),
        "cycle": "&a [*a]",
        "deep-lists": "[" * 50_000,
        "deep-mappings": "{a: " * 15_000,
        "deep-dashes": "- " * 30_000,
        "long": "a: " + "x" * 10_000_000,
        "many-keys": "\n".join(f"k{i}: 1" for i in range(5000)),
        "escapes": '"\\e[2Jx": "\\e[2J"',
        "no-character": 'seed: "\\UFFFFFFFF"',
        "half-a-character": 'seed: "\\ud800"',
        "control": "a: \x00",
        "infinite": "ema_decay: .inf",
    }
    yield from (Attack(f"{n}.yaml", x.encode(), "ConfigError") for n, x in contents.items())
    yield Attack("no-text.yaml", b"\xff\xfe\x00", "ConfigError")
