"""A plan's numbers are those of the training it is a plan of."""

import pytest
import torch
from torch import nn

from adapterhub.train.resources import plan as plans
from adapterhub.train.resources.micro import Micro
from adapterhub.train.resources.plan import Length, TrainPlan, adamw_bytes, estimate, targets_of, timed
from adapterhub.train.resources.tracker import measure

CPU = torch.device("cpu")
MICRO = Micro(size=8, batch=32, budget=10**9, fixed=0, each=1000, peaks={1: 1000, 2: 2000, 8: 8000})


@pytest.fixture
def net():
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    net[0].requires_grad_(False)
    return net


def test_counts_and_bytes_are_those_of_the_model(net):
    plan = estimate(net, Length(examples=64, steps=6, batch=32), MICRO, lambda count: None, device=CPU, file_bytes=700)
    assert (plan.trainable_parameters, plan.total_parameters) == (132, 132 + 544)
    assert plan.trainable_share == 132 / 676
    assert (plan.epochs, plan.micro_batch, plan.processes, plan.precision) == (3, 8, 1, "fp32")
    memory = plan.memory
    assert (memory.weights, memory.gradients, memory.activations, memory.budget) == (4 * 676, 4 * 132, 8000, 10**9)
    assert memory.peak > memory.weights + memory.optimizer
    assert plan.targets == {"2": 1}
    assert plan.file_bytes == 700
    assert TrainPlan.from_bytes(plan.to_bytes(), "plan") == plan


def test_the_state_of_adamw_is_the_one_it_has(net):
    inputs = torch.randn(4, 16)
    trained = [weight for weight in net.parameters() if weight.requires_grad]
    assert measure(net, lambda: net(inputs).sum(), torch.optim.AdamW(trained)).optimizer == adamw_bytes(trained)


@pytest.mark.parametrize(("processes", "passes"), [(1, 6 * 4), (2, 6 * 2), (3, 6 * 2)])
def test_the_time_is_that_of_the_passes_of_one_process(net, monkeypatch, processes, passes):
    asked = []
    monkeypatch.setattr(plans, "timed", lambda run, device: run() or 0.5)
    length = Length(examples=64, steps=6, batch=32, processes=processes)
    assert estimate(net, length, MICRO, asked.append, device=CPU, file_bytes=0).seconds == passes * 0.5
    assert asked == [8]


def test_the_first_run_and_an_odd_one_do_not_count(monkeypatch):
    clock = iter([0, 100, 100, 101, 101, 150, 150, 152])
    monkeypatch.setattr(plans.time, "perf_counter", lambda: next(clock))
    assert timed(lambda: None, CPU) == 2


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_targets_are_named_as_the_base_names_them():
    import transformers
    from peft import LoraConfig, TaskType, get_peft_model

    config = transformers.BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, vocab_size=50, num_labels=3
    )
    model = transformers.BertForSequenceClassification(config)
    tuned = get_peft_model(model, LoraConfig(r=2, target_modules=["query", "value"], task_type=TaskType.SEQ_CLS))
    assert targets_of(tuned) == {"bert.encoder.layer.0-1.attention.self.{query,value}": 4, "classifier": 1}


def test_a_trained_parameter_of_the_model_itself_is_its_own_target():
    model = nn.Module()
    model.shift = nn.Parameter(torch.zeros(2))
    assert targets_of(model) == {"shift": 1}
