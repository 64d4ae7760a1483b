"""The config that `train --init TASK` writes: every field with its default and a few words, rarer ones commented."""

from typing import NamedTuple

from adapterhub.train.tasks.table import COLUMNS, TASKS, row

__all__ = ["template"]


class Rows(NamedTuple):
    """What an example of a task's data looks like."""

    file: str
    """The name of the training file."""
    seen: str
    """What it holds, for people."""
    read: tuple[str, ...]
    """The columns that are named."""


TABLE = "a CSV, TSV, JSONL, JSON or Parquet file"
EXAMPLES = {
    "text-classification": Rows("train.csv", TABLE, ("text", "label")),
    "causal-lm": Rows("train.jsonl", TABLE, ("prompt", "completion")),
    "image-classification": Rows("photos", "a folder with a folder of pictures for each label", ("image", "label")),
    "audio-classification": Rows("sounds", "a folder with a folder of WAV files for each label", ("audio", "label")),
    "token-classification": Rows("train.jsonl", "a JSONL or Parquet file with lists of words", ("tokens", "tags")),
    "extractive-qa": Rows("train.jsonl", TABLE, ("question", "context", "answer")),
    "seq2seq": Rows("train.csv", TABLE, ("source", "target")),
}
OWN = Rows("train.csv", "a file or folder", ())

SAID = {
    "text": "the column with the text",
    "text_pair": "the column with a second text, where two belong together",
    "label": "the column with the label",
    "image": "the column with a path, bytes or pixels; `image` in a folder",
    "audio": "the column with the path of a WAV file; `audio` in a folder",
    "prompt": "the column with what is given; nothing of it is learned",
    "completion": "the column with what is to follow",
    "messages": "the column with conversations: lists of {role, content}",
    "tokens": "the column with a list of words",
    "tags": "the column with a tag for each word, such as B-PER, I-PER, O",
    "question": "the column with the question",
    "context": "the column with the text in which the answer stands",
    "answer": "the column with the answer, or SQuAD's {text, answer_start}",
    "source": "the column with the text that is read",
    "target": "the column with the text that is to be written",
}
LABELLED = ("label", "tags")
WITHOUT_TOKENS = ("image", "audio")

TEMPLATE = """\
# A field behind a # shows its default; take the # away to say something else.
# Paths are relative to the folder of this file.

base: ./base  # a folder, or an entry of kind model
name: me/first  # namespace/name of the entry the run ends as
task: {task}  # {about}
seed: 0  # the same config, data and seed give the same bytes

data:
{data}
adapter:
  method: lora  # lora, dora, frozen-a, vera, adalora, or full (the whole model)
  rank: 8
  # alpha: null  # the scale is alpha/rank; twice the rank unless given
  targets: all-linear  # or ends of module paths, such as [query, value]
  # dropout: 0.0
  # init: default  # default, gaussian, orthogonal, pissa, olora, eva
  # rslora: false  # the scale is alpha/√rank
  # heads: null  # modules trained and saved whole; those of the task unless given
  # quantize: null  # how the frozen base is held: int8 or nf4

optim:
  lr: 1e-3
  batch: 32  # examples of a step, all processes and micro-batches together
  # micro_batch: null  # examples at once in a process; found by measuring memory
  epochs: 3
  # steps: null  # instead of epochs
  schedule: cosine  # cosine, linear, constant, plateau
  warmup: 0.06  # below 1 a share of all steps, else a number of steps
  # plateau_patience: 2  # validations without a better one before the rate sinks
  # plateau_factor: 0.5  # what it is multiplied by then
  # clip: 1.0  # the largest norm of a gradient
  # weight_decay: 0.0
  # betas: [0.9, 0.999]
  # eps: 1e-8
  # lora_plus: null  # LoRA+: the rate of B divided by that of A, such as 16
  precision: fp32  # fp32, bf16 or fp16, for matrix products; weights stay fp32
  # activation_checkpointing: false  # less memory, a fifth more time

validation:
  # every: null  # steps between two validations; each epoch unless given
  # metric: null  # what is compared; {metric} unless given
  # patience: null  # stop after so many validations without a better one
  keep: best  # best or last

# robust:  # adversarial training
#   attack: fgm  # fgm, fgsm, pgd
#   epsilon: 1.0  # how far an input is moved
#   steps: 3  # of pgd
#   step_size: null  # of pgd; 2.5·epsilon/steps unless given
#   share: 0.5  # of the adversarial loss in the sum

# continual:  # what keeps earlier tasks alive under --continue
#   replay: 0.0  # examples of earlier tasks for each new one
#   ewc: 0.0  # λ of elastic weight consolidation; say it from the first task on
#   fisher: 256  # rows on which it is estimated what a task needed
#   olora: 0.0  # λ of O-LoRA: new directions orthogonal to the old
#   sample: 0  # rows of this run kept in the entry for later replay

# sync:  # processes that train apart; an example, by default they do not
#   every: 100  # steps between two meetings

# search:  # what --search tries, on validation; an example
#   lr: [3e-4, 1e-3, 3e-3]
#   rank: [4, 8, 16]

# task_options: {{}}  # {options}
# device: null  # cpu, cuda, cuda:1, mps; the first accelerator unless given
# report: []  # tensorboard, mlflow, wandb; a log is always written
# keep_optimizer: false  # keep its state in the entry, for --continue
# memory: null  # the most a process may use, such as 2GB
"""


def template(task: str) -> str:
    """A commented config of a task, or of one's own `module:function`; `WrongUsage` for a word that is none."""
    own = ":" in task
    about = "a task of one's own" if own else row(task).about
    options = "what the task wants to know besides" if own else _options(task)
    metric = "the task's" if own else TASKS[task].metric
    return TEMPLATE.format(task=task, about=about, data=_data(task), metric=metric, options=options)


def _options(task: str) -> str:
    return "generate: false leaves out what needs texts to be written" if row(task).options else "none for this task"


def _data(task: str) -> str:
    """The section of the data; columns another reading would need are commented."""
    file, seen, read = EXAMPLES.get(task, OWN)
    fields = COLUMNS if task not in TASKS else TASKS[task].fields
    lines = [f"train: {file}  # {seen}", "validation: 0.1  # a share of train, or another file", "test: 0.1"]
    lines.append("# seed: 0  # draws these shares; the seed above does not")
    lines += [f"{field}: {field}  # {SAID[field]}" for field in read]
    lines += [f"# {field}: null  # {_instead(task, field)}" for field in fields if field not in read]
    if task not in TASKS or any(field in LABELLED for field in read):
        lines.append("# labels: null  # in the order of the outputs; those of train, sorted, unless given")
    if not any(field in WITHOUT_TOKENS for field in read):
        lines.append("# max_length: null  # tokens of an example; 512 or what the base reads, if that is less")
    return "".join(f"  {line}\n" for line in lines)


def _instead(task: str, field: str) -> str:
    """What a column that is not named by default is for."""
    other = task in TASKS and field not in TASKS[task].optional
    return f"{'instead: ' if other else ''}{SAID[field]}"
