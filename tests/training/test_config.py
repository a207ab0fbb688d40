# SPDX-License-Identifier: Apache-2.0
import pytest
from training.runs import settings

from searchtransfer.errors import ConfigError
from searchtransfer.networks import TTSR
from searchtransfer.training import load_config, ready_configs
from searchtransfer.training.config_file import parse
from searchtransfer.training.resumption import require_same_run, what_differs

SMALL = """
model: {architecture: ttsr}
data: {train: [{layout: singles, path: photos}]}
phases: [{name: a, steps: 1}]
run: {folder: out}
"""


def write(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def test_what_must_be_said_and_what_need_not(tmp_path):
    config = load_config(write(tmp_path, SMALL))
    assert config.batch == 9
    assert config.data.patch == 160
    assert config.optimiser.learning_rate == 1e-4
    assert config.phases[0].losses.l1 == 1
    assert config.model.blocks == (16, 16, 8, 4)


@pytest.mark.parametrize("name", ["ttsr", "ttsr-rec", "ttsr-small", "ttsr-tiny"])
def test_ready_configurations_are_valid(name):
    assert name in ready_configs()
    model = load_config(name).model
    TTSR(**model.model_dump(exclude={"architecture", "extractor", "weights"}))
    published = model.blocks == (16, 16, 8, 4)
    assert published == (name in ("ttsr", "ttsr-rec"))


def test_the_published_training():
    config = load_config("ttsr")
    assert [(p.epochs, dict(p.losses)) for p in config.phases] == [
        (2, {"l1": 1, "perceptual": 0, "transferal": 0, "adversarial": 0}),
        (50, {"l1": 1, "perceptual": 1e-2, "transferal": 1e-2, "adversarial": 1e-3}),
    ]
    assert (config.batch, config.data.patch) == (9, 160)
    assert config.optimiser.learning_rate == 1e-4
    assert config.optimiser.extractor_learning_rate == 1e-5
    assert config.adversarial.betas == (0, 0.9)
    assert (config.adversarial.penalty, config.adversarial.critic_steps) == (10, 2)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimiser.learning_rat=1", r"learning_rat: there is no such key; did you mean 'learning"),
        ("batches=1", r"batches: there is no such key; did you mean 'batch'\?"),
        ("zebra=1", "zebra: there is no such key; keys are adversarial, batch, data"),
        ("data.train.0.layot=x", r"data\.train\.0\.layot: there is no such key; .*'layout'"),
        ("phases.0.losses.l2=1", r"phases\.0\.losses\.l2: there is no such key; .*'l1'"),
        (
            "model.architecture=tssr",
            r"model\.architecture: must be one of ttsr, fusion, got 'tssr'; did",
        ),
        ("model.features=64.5", r"model\.features: .*integer.*64\.5"),
        ("model.features='64'", r"model\.features: .*integer.*'64'"),
        ("model.features=true", r"model\.features: .*integer.*True"),
        ("model.features=0", r"model\.features: .*greater than 0, got 0"),
        ("model.blocks=[1, 2]", r"model\.blocks\.2: is missing"),
        ("data.patch=30", r"data\.patch: .*multiple of 4, got 30"),
        ("data.train=[]", r"data\.train: .*at least 1 item"),
        ("optimiser.learning_rate=.nan", r"optimiser\.learning_rate: .*finite number"),
        ("optimiser.learning_rate=.inf", r"optimiser\.learning_rate: .*finite number"),
        ("optimiser.betas=[0.9, 1]", r"optimiser\.betas\.1: .*less than 1, got 1"),
        (
            "optimiser.schedule=cosin",
            r"schedule: .*'constant' or 'cosine', .*did you mean 'cosine'",
        ),
        ("ema_decay=1.0", r"ema_decay: .*less than 1"),
        ("phases.0.epochs=1", r"phases\.0: give either epochs or steps"),
        ("phases.0.losses={l1: 0}", r"phases\.0\.losses: all losses are 0"),
        ("data.train.0.neighbours=2", r"data\.train\.0: neighbours is for the layout scenes only"),
        ("run.folder=null", r"run\.folder: Input should be a valid string"),
        ("run.mixed_precision=no!", r"run\.mixed_precision: .*'no', 'bf16' or 'fp16'"),
        ("model=null", "model: Input should be an object"),
    ],
)
def test_a_fault_is_named_with_its_path(tmp_path, override, message):
    path = write(tmp_path, SMALL)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path, [override])
    assert str(caught.value).startswith(f"{path}: cannot be used:\n  ")


def test_all_faults_are_named_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, SMALL), ["batch=x", "run.worker=1", "seed=-1"])
    assert [line.split(":")[0] for line in str(caught.value).splitlines()[1:]] == [
        "  run.worker",
        "  seed",
        "  batch",
    ]


def test_two_validation_sets_need_two_names(tmp_path):
    one = "{name: a, layout: singles, path: x}"
    with pytest.raises(ConfigError, match="validation: two sets have the same name"):
        load_config(write(tmp_path, SMALL), [f"validation.sets=[{one}, {one}]"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"config\.yaml: must be a mapping of keys to values, it is empty"),
        ("- 1", "it is a list"),
        ("a: [1", r"config\.yaml, line 1: expected ',' or ']'"),
        ("a: 1\nb: 2\na: 3", r"config\.yaml, line 3: the key 'a' is given twice"),
        ("a: {b: 1, b: 2}", "the key 'b' is given twice"),
        ("a: !!python/object:os.system x", "the tag .*python/object:os.system' is not read"),
        ("a: &x [*x]", "an alias stands for what it is in"),
        ("a: 2020-01-01", r"a: there is no such key"),
        ("[" * 5000, "is nested too deeply"),
    ],
)
def test_yaml_that_is_no_configuration(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no such file.*did you mean 'ttsr-tiny'"):
        load_config("ttsr-tyni")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        load_config(tmp_path)
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        load_config(tmp_path / "x")


def test_plain_values_are_those_of_yaml_1_2():
    values = parse("[no, yes, 1e-4, 1.5e3, 010, 0, -3, .5, null, ~, true, 1:30, 12_3]", "x")
    assert values == ["no", "yes", 1e-4, 1.5e3, 10, 0, -3, 0.5, None, None, True, "1:30", "12_3"]
    assert [type(v) for v in values[2:7]] == [float, float, float, int, int]


def test_overrides_apply_in_order_and_make_what_is_not_there(tmp_path):
    words = ["validation.every=5", "phases.0.losses.l1=2", "batch=3", "batch=4", "ema_decay=null"]
    config = load_config(write(tmp_path, SMALL), words)
    assert config.validation.every == 5
    assert config.phases[0].losses.l1 == 2
    assert config.batch == 4
    assert config.ema_decay is None


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("batch", "--set batch: must have the form a.b=value"),
        ("=1", "must have the form"),
        ("a..b=1", "must have the form"),
        ("phases.x.steps=1", "phases is a list of 1; choose by a number from 0, got 'x'"),
        (f"phases.{'9' * 5000}.steps=1", "phases is a list of 1; choose by a number"),
        ("phases.1.steps=1", "phases is a list of 1; choose by a number from 0, got '1'"),
        ("run.folder.x=1", r"run\.folder is a str, nothing is inside it"),
        ("batch=[", "--set batch=.*, line 1: "),
        (".".join(["a"] * 50_000) + "=1", "must have at most 32 parts"),
    ],
)
def test_overrides_that_cannot_be(tmp_path, override, message):
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, SMALL), [override])


def test_what_has_changed_since_a_checkpoint(tmp_path):
    path = write(tmp_path, SMALL)
    before = load_config(path).model_dump(mode="json")
    assert what_differs(before, load_config(path, ["run.workers=3", "model.weights=x"])) == []
    assert what_differs(before, load_config(path, ["batch=3", "run.accumulate=3"])) == [
        "batch was 9 and is 3"
    ]
    longer = load_config(path, ["phases=[{name: a, steps: 1}, {name: b, steps: 1}]"])
    assert "phases.1.name was None and is 'b'" in what_differs(before, longer)
    require_same_run(before, load_config(path, ["model.extractor=x"]))
    with pytest.raises(ConfigError, match=r"another network: model\.blocks\.1 was 16 and is 2"):
        require_same_run(before, load_config(path, ["model.blocks=[16, 2, 8, 4]"]))


def test_the_settings_of_the_other_tests_are_valid(tmp_path):
    assert load_config("ttsr-tiny", settings(tmp_path)).phases[0].steps == 8
