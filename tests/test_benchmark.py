# SPDX-License-Identifier: Apache-2.0
"""Timing the backends: every one is run or says why not; features are what they claim to be."""

import json

import pytest
import torch

from searchtransfer import benchmark as module
from searchtransfer import search
from searchtransfer.benchmark import Report, Timing, benchmark, moved, random, table
from searchtransfer.errors import OptionError
from searchtransfer.operators.backends import BACKENDS


def test_one_cell() -> None:
    report = benchmark((1, 1), channels=1, repeat=1)
    assert {(t.features, t.backend) for t in report.timings} == {
        (kind, name) for kind in ("moved", "random") for name in BACKENDS
    }


def test_runs_each_backend_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def counted(query: object, key: object, backend: str) -> None:
        ran.append(backend)

    monkeypatch.setattr(module, "search", counted)
    seen: list[tuple[str, float]] = []
    report = benchmark((5, 4), channels=3, repeat=2, on_run=lambda *x: seen.append(x))
    for timing in report.timings:
        assert len(timing.seconds) == (0 if timing.left_out else 2)
        assert ran.count(timing.backend) == (0 if timing.left_out else 2 * 3)
    assert [stage for stage, _ in seen] == ["moved"] * 3 + ["random"] * 3
    assert [done for _, done in seen] == [0, 1 / 3, 2 / 3] * 2


def test_as_json() -> None:
    plain = json.loads(json.dumps(benchmark((4, 6), channels=2, repeat=1).as_dict()))
    assert plain["size"] == [4, 6]
    assert plain["machine"]["threads"] == torch.get_num_threads()
    assert plain["timings"][0]["features"] == "moved"


def test_what_needs_too_much_memory_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LITERAL_BYTES", 1000)
    report = benchmark((6, 6), channels=2, repeat=1)
    literal = [t for t in report.timings if t.backend == "literal"]
    assert [(t.seconds, t.left_out, t.median) for t in literal] == [
        ((), "it needs 0 GiB", None)
    ] * 2
    assert any(line.endswith("literal    left out: it needs 0 GiB") for line in table(report))


def test_table() -> None:
    timings = (
        Timing("moved", "literal", (0.2, 0.4, 0.3)),
        Timing("moved", "native", (0.02, 0.02, 0.9)),
        Timing("random", "literal", (), "it needs 9 GiB"),
        Timing("random", "native", (0.5,)),
    )
    lines = list(table(Report((83, 125), 64, timings)))
    assert lines[0].startswith("83 x 125 cells in as many, 64 channels, 3 x 3 blocks, ")
    assert lines[1].split() == ["features", "backend", "milliseconds", "times", "literal"]
    assert lines[2].split() == ["moved", "literal", "300.0", "1.0"]
    assert lines[3].split() == ["moved", "native", "20.0", "15.0"]
    assert lines[4].split() == ["random", "literal", "left", "out:", "it", "needs", "9", "GiB"]
    assert lines[5].split() == ["random", "native", "500.0", "-"]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [({"size": (0, 5)}, "size"), ({"channels": 0}, "channels"), ({"repeat": 0}, "repeat")],
)
@pytest.mark.usefixtures("as_users_run")
def test_nothing_to_do(arguments: dict[str, object], what: str) -> None:
    with pytest.raises(OptionError, match=f"benchmark: {what} must be positive, got 0"):
        benchmark(**arguments)  # type: ignore[arg-type]


def test_moved_features_are_found_where_they_went() -> None:
    match = search(*moved((9, 12), 8))
    rows, columns = torch.arange(8)[:, None], torch.arange(9)
    assert (match.index[0, :8, :9] == (rows + 1) * 12 + columns + 3)[1:-1, 1:-1].all()


def test_random_features_differ() -> None:
    query, key = random((9, 12), 8)
    assert query.shape == key.shape == (1, 8, 9, 12)
    assert search(query, key).score.max() < 0.9
