"""A plan of a training, as people see it."""

from adapterhub.cli.training import print_train_plan
from adapterhub.train.resources.plan import MemoryPlan, TrainPlan

MEMORY = MemoryPlan(
    weights=92_000_000, gradients=1_374_780, optimizer=2_749_560, activations=154_000_000, peak=620_000_000,
    budget=1_400_000_000,
)  # fmt: skip
PLAN = TrainPlan(
    examples=1800,
    steps=169,
    epochs=3.0,
    batch=32,
    micro_batch=16,
    processes=1,
    trainable_parameters=343_695,
    total_parameters=23_050_000,
    trainable_share=0.0149,
    memory=MEMORY,
    seconds=95.0,
    file_bytes=1_400_000,
    targets={"bert.encoder.layer.0-5.attention.self.{key,query,value}": 18, "classifier": 1},
    device="cpu AVX512",
    precision="fp32",
)


def told(capsys, plan):
    print_train_plan(plan)
    return capsys.readouterr().out.splitlines()


def test_a_plan_tells_what_is_trained_what_it_takes_and_how_long(capsys):
    lines = told(capsys, PLAN)
    assert lines[1].split() == ["bert.encoder.layer.0-5.attention.self.{key,query,value}", "18"]
    assert "activations  154.0 MB  of the 16 longest examples, measured" in lines
    assert lines[-3:] == [
        "343,695 of 23,050,000 parameters trained (1.49%), a file of about 1.4 MB",
        "1,800 examples, 3 epochs, 169 steps of 32, 16 at once",
        "about 1.6 min on cpu AVX512 in fp32; nothing was trained",
    ]


def test_a_line_fits_on_a_terminal(capsys):
    assert max(map(len, told(capsys, PLAN))) <= 80


def test_several_processes_are_told(capsys):
    assert "16 at once in each of 2 processes" in told(capsys, PLAN.model_copy(update={"processes": 2}))[-2]


def test_what_is_not_known_is_left_out(capsys):
    memory = MEMORY.model_copy(update={"activations": 0, "budget": 0})
    text = "\n".join(told(capsys, PLAN.model_copy(update={"memory": memory})))
    assert "activations" not in text
    assert "budget" not in text
