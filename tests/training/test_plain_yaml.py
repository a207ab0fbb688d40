# SPDX-License-Identifier: Apache-2.0
"""Configurations that are a stranger's: an error in words, and soon."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from training.test_config import SMALL

import searchtransfer
from searchtransfer.errors import ConfigError
from searchtransfer.training import load_config
from searchtransfer.training.plain_yaml import LONGEST, parse


def bomb(levels, width):
    """Each line stands for `width` times the one before."""
    lines = ["a0: &a0 [" + ",".join("x" * width) + "]"]
    for i in range(1, levels):
        lines.append(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * width)}]")
    return "\n".join(lines)


HOSTILE = {
    "list as a key": ("? [a, b]\n: c", "a key must be a word"),
    "mapping as a key": ("? {a: b}\n: c", "a key must be a word"),
    "number as a key": ("1: a\n'1': b", "a key must be a word"),
    "nothing as a key": ("? \n: a", "a key must be a word"),
    "truth as a key": ("true: a", "a key must be a word"),
    "a key in a list": ("a: [{[b]: c}]", "line 1: a key must be a word"),
    "digits": ("seed: " + "9" * 5000, "line 1: '9999.*cannot be read as int"),
    "fewer digits": ("seed: " + "9" * 1000, "cannot be read as int"),
    "digits of a fraction": ("ema_decay: 0." + "9" * 5000, "cannot be read as float"),
    "tag int": ('!!int "0x"', "'0x' cannot be read as int"),
    "tag float": ('seed: !!float "x"', "'x' cannot be read as float"),
    "tag bool": ('seed: !!bool "maybe"', "'maybe' cannot be read as bool"),
    "tag null": ('seed: !!null "x"', "cannot be read as null"),
    "tag binary": ("seed: !!binary aGk=", "binary' is not read"),
    "tag timestamp": ("seed: !!timestamp x", "timestamp' is not read"),
    "tag set": ("seed: !!set {a, b}", "set' is not read"),
    "tag omap": ("seed: !!omap [a: b]", "omap' is not read"),
    "tag of a mapping": ("!!map [a]", "map' is not read"),
    "tag of a list": ("a: !!seq {a: b}", "seq' is not read"),
    "own tag": ("a: !mine x", "'!mine' is not read"),
    "python tag": ("a: !!python/name:os.system ''", "is not read"),
    "alias bomb": (bomb(10, 10), "stands for more than 10000 values"),
    "wide alias bomb": (bomb(3, 100), "stands for more than 10000 values"),
    "narrow alias bomb": (bomb(200, 2), "stands for more than 10000 values"),
    "mapping bomb": (
        "a: &a {b: &b {c: &c [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}}\n"
        + "\n".join(f"k{i}: [{', '.join(['*a'] * 200)}]" for i in range(5)),
        "stands for more than 10000 values",
    ),
    "alias of itself": ("&a [*a]", "an alias stands for what it is in"),
    "alias of what it is in": ("a: &a {b: {c: *a}}", "an alias stands for what it is in"),
    "no such alias": ("a: *b", "undefined alias"),
    "deep lists": ("[" * 20000, "is nested too deeply"),
    "deep mappings": ("{a: " * 10000, "is nested too deeply"),
    "deep blocks": (
        "\n".join(" " * i + "a:" for i in range(300)),
        "is nested too deeply|recursion",
    ),
    "deep dashes": ("- " * 10000, "is nested too deeply"),
    "deep within bounds": ("a: " + "[" * 250 + "]" * 250, "Invalid JSON|no such key|deeply"),
    "long": ("a: " + "x" * LONGEST, f"at most {LONGEST} are read"),
    "many keys": ("\n".join(f"k{i}: 1" for i in range(4000)), r"and \d+ more"),
    "a long key": ("x" * 1000 + ": 1", r"x\.\.\.: there is no such key"),
    "escapes in a key": ('"\\e[2Jx": 1', r"\\x1b\[2Jx: there is no such key"),
    "escapes in a value": ('seed: "\\e[2J"', r"got '\\x1b\[2J'"),
    "half a character": ('seed: "\\ud800"', "config.yaml: "),
    "no character": ('seed: "\\UFFFFFFFF"', "config.yaml: "),
    "control characters": ("a: \x00", "config.yaml: "),
    "two documents": ("a: 1\n---\nb: 2", "found another document"),
    "a directive": ("%YAML 9.9\n---\na: 1", "config.yaml"),
    "infinite": ("seed: .inf", "seed: "),
    "large": ("seed: 1e999", "seed: "),
    "merge": ("x: &x {seed: 1}\n<<: *x", "<<: there is no such key"),
    "much of everything": (
        SMALL + "batch: 2000000000",
        "batch: .*less than or equal to 100000, got 2000000000",
    ),
    "wide": (SMALL.replace("ttsr}", "ttsr, features: 1000000}"), "features: .*4096, got 1000000"),
    "often": (SMALL.replace("photos}", "photos, repeat: 1000000000}"), "repeat: .*got 1000000000"),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_configuration(tmp_path, text, message):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert len(str(caught.value)) < 5000
    assert "\x1b" not in str(caught.value)


def test_the_same_in_an_override(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(SMALL)
    for value in ("? [a]\n: b", "9" * 5000, "!!int x", "[" * 20000, bomb(10, 10), "&a [*a]"):
        with pytest.raises(ConfigError, match=r"--set seed=|config\.yaml") as caught:
            load_config(path, [f"seed={value}"])
        assert len(str(caught.value)) < 2000


def test_aliases_that_stand_for_little_are_read():
    assert parse("a: &a [1, 2]\nb: *a\nc: [*a, *a]", "x") == {
        "a": [1, 2],
        "b": [1, 2],
        "c": [[1, 2], [1, 2]],
    }
    assert parse("a: !!str 1\nb: !!int '7'\nc: !!float '1e3'", "x") == {"a": "1", "b": 7, "c": 1e3}


def test_what_is_no_regular_file(tmp_path):
    for path in ("/dev/zero", "/dev/null"):
        with pytest.raises(ConfigError, match="cannot be read as text: it is no regular file"):
            load_config(path)
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ConfigError, match="it has more than"):
        load_config(large)
    with pytest.raises(ConfigError, match=r"there is no such file|cannot be read"):
        load_config("x" * 5000)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config("a\0b")


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(SMALL, encoding="utf-8-sig")
    assert load_config(path).batch == 9


def test_all_of_them_in_a_process_with_limits(tmp_path):
    """What could not be caught in a test is not there either: no crash, no growth."""
    for i, (text, _) in enumerate(HOSTILE.values()):
        (tmp_path / f"{i}.yaml").write_text(text)
    code = """
import sys
from pathlib import Path
from searchtransfer.errors import ConfigError
from searchtransfer.training import load_config
for path in sorted(Path(sys.argv[1]).glob("*.yaml")):
    try:
        load_config(path)
    except ConfigError:
        print("refused")
"""

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    source = str(Path(searchtransfer.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
        preexec_fn=limited,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refused") == len(HOSTILE)
