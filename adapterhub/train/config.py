"""What is asked of a training: the document of a run, as a person writes it in YAML.

    base: ./minilm
    name: ada/topic
    task: text-classification
    data: {train: train.csv, validation: 0.1, test: test.csv, text: text, label: topic}
    adapter: {method: lora, rank: 8, targets: all-linear}
    optim: {lr: 2e-3, batch: 32, epochs: 3}

Paths are relative to the folder of the file. What is not said has the default that stands here; `train --init TASK`
writes a commented file.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from adapterhub.document import Document, canonical

__all__ = [
    "AdapterConfig",
    "ContinualConfig",
    "DataConfig",
    "OptimConfig",
    "RobustConfig",
    "SearchConfig",
    "SyncConfig",
    "TrainConfig",
    "ValidationConfig",
]


LARGEST = 1e30
"""Of any number: fp32, which is computed in, holds it."""

MOST = 1e6
"""Of what multiplies others: the product is still a number of fp32. Of epochs, so that steps can be counted."""


def _counted(value: Any) -> Any:
    """YAML's yes and no are no numbers, though Python takes them for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a number is wanted")
    return value


def _number(value: Any) -> Any:
    """YAML 1.1 reads 2e-3 as a word, since it has no dot."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return _counted(value)


def _is_part(value: Any) -> Any:
    """Of a file or a share one message, and not one for each thing it is not."""
    found = _number(value) if isinstance(value, str) else value
    share = type(found) in (int, float) and 0 <= found <= 1
    if found is None or share or (isinstance(found, str) and found):
        return found
    raise ValueError("a file is wanted, or a share of the rows between 0 and 1")


def _names_some(value: Any) -> Any:
    """No words, and a word without letters, would be read as whatever is usual."""
    if value in ("", ()) or (isinstance(value, tuple) and "" in value):
        raise ValueError("it names nothing")
    return value


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """A run is known by what was asked, as JSON; dates and bytes have no place there."""
    try:
        canonical(value)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"text, numbers, lists and fields are wanted; write all else in quotes: {error}") from None
    return value


def _size(value: Any) -> Any:
    """Bytes without a unit are a number in YAML."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Real = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
Positive = Annotated[Real, Field(gt=0)]
NotNegative = Annotated[Real, Field(ge=0)]
Share = Annotated[Real, Field(ge=0, le=1)]
Decay = Annotated[Real, Field(ge=0, lt=1)]
Rows = Annotated[str | float | None, BeforeValidator(_is_part)]
Count = Annotated[int, BeforeValidator(_counted), Field(ge=1, lt=2**31)]
Rank = Annotated[Count, Field(le=2**16)]
Seed = Annotated[int, BeforeValidator(_counted), Field(ge=0, lt=2**31)]
Word = Annotated[str, Field(min_length=1)]
Words = Annotated[tuple[str, ...], AfterValidator(_names_some)]
Column = str | None


class Asked(Document):
    """What a person writes: a field that is not known is a mistake, not something to keep."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(Asked):
    """Where the rows are, and what their columns are called; which columns are needed is the task's to say."""

    train: Word
    """A CSV, TSV, JSONL, JSON or Parquet file, or a folder with a folder of images (or sounds) for each label."""
    validation: Rows = None
    """The same, or the share of `train` that is set aside, drawn by `seed`."""
    test: Rows = None
    seed: Seed = 0
    """Draws the shares, and nothing else does: runs of other seeds are measured on the same rows."""
    text: Column = None
    text_pair: Column = None
    label: Column = None
    image: Column = None
    audio: Column = None
    prompt: Column = None
    completion: Column = None
    messages: Column = None
    tokens: Column = None
    tags: Column = None
    question: Column = None
    context: Column = None
    answer: Column = None
    source: Column = None
    target: Column = None
    labels: Words | None = None
    """The labels in the order of the head's outputs; those of `train`, sorted, unless they are given."""
    max_length: Count | None = None
    """Tokens of an example; what is longer is cut. None: 512, or what the model can read if that is less."""


class AdapterConfig(Asked):
    """What is trained."""

    method: Literal["lora", "dora", "frozen-a", "vera", "adalora", "full"] = "lora"
    rank: Rank = 8
    alpha: Positive | None = None
    """The scale is alpha/rank (rsLoRA: alpha/√rank). None: twice the rank."""
    targets: Annotated[str | tuple[str, ...], AfterValidator(_names_some)] = "all-linear"
    """Ends of module paths, a regular expression for whole paths, or `all-linear`: every linear layer but the head."""
    dropout: Annotated[Real, Field(ge=0, lt=1)] = 0.0
    init: Literal["default", "gaussian", "orthogonal", "pissa", "olora", "eva"] = "default"
    rslora: bool = False
    heads: tuple[Word, ...] | None = None
    """Modules that are trained and saved whole. None: those the task says."""
    quantize: Literal["int8", "nf4"] | None = None
    """How the frozen base is held while it is trained on."""


class OptimConfig(Asked):
    """How it is trained: AdamW, one step for every `batch` examples."""

    lr: Positive = 1e-3
    batch: Count = 32
    """Examples of a step, all processes and micro-batches together."""
    micro_batch: Count | None = None
    """Examples that are computed at once in a process. None: found by measuring memory."""
    epochs: Annotated[Positive, Field(le=MOST)] | None = None
    steps: Count | None = None
    """How long; `epochs: 3` unless one of both is said."""
    schedule: Literal["cosine", "linear", "constant", "plateau"] = "cosine"
    warmup: NotNegative = 0.06
    """Below 1 a share of all steps, else a number of steps."""
    plateau_patience: Count = 2
    plateau_factor: Annotated[Real, Field(gt=0, lt=1)] = 0.5
    """plateau: after so many validations without a better one, the rate is multiplied by the factor."""
    clip: Positive | None = 1.0
    """The largest norm of a gradient."""
    weight_decay: Annotated[NotNegative, Field(le=MOST)] = 0.0
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: Positive = 1e-8
    lora_plus: Annotated[Positive, Field(le=MOST)] | None = None
    """LoRA+: the rate of B divided by that of A."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """What matrix products are computed in; the trained weights are fp32."""
    activation_checkpointing: bool = False
    """Compute activations again in the backward pass, and do not keep them."""

    @model_validator(mode="after")
    def _one_length(self) -> "OptimConfig":
        if self.epochs and self.steps:
            raise ValueError("epochs and steps are both given; one says how long")
        return self


class ValidationConfig(Asked):
    """What is measured on the validation rows while training, and what follows from it."""

    every: Count | None = None
    """Steps between two validations; None: after each epoch."""
    metric: str | None = None
    """What is compared, as the task calls it; None: the task's own. Of losses, errors and distances less is better."""
    patience: Count | None = None
    """Stop after so many validations without a better one."""
    keep: Literal["best", "last"] = "best"


class RobustConfig(Asked):
    """Adversarial training: a share of the loss is taken on inputs moved to where they hurt most."""

    attack: Literal["fgm", "fgsm", "pgd"] = "fgm"
    epsilon: Positive = 1.0
    steps: Count = 3
    step_size: Positive | None = None
    """pgd: how far one step goes; None: 2.5·epsilon/steps."""
    share: Share = 0.5
    """Of the adversarial loss in the sum."""


class ContinualConfig(Asked):
    """What keeps earlier tasks alive when training is continued."""

    replay: Share = 0.0
    """Examples of earlier tasks for each new one."""
    ewc: NotNegative = 0.0
    """λ of elastic weight consolidation. Above 0 the entry keeps what its tasks needed, also that of a first run."""
    fisher: Count = 256
    """ewc: on how many training rows it is estimated what the task needed."""
    olora: NotNegative = 0.0
    """λ of O-LoRA: new directions orthogonal to the old."""
    sample: Annotated[int, BeforeValidator(_counted), Field(ge=0, lt=2**31)] = 0
    """How many of this run's rows are kept in the entry, for the replay of later runs."""


class SyncConfig(Asked):
    """Workers that train apart and meet now and then."""

    every: Count
    """Steps between two meetings, at which the trained weights are averaged."""


class SearchConfig(Asked):
    """What `train --search` tries, on validation."""

    lr: tuple[Positive, ...] = ()
    rank: tuple[Rank, ...] = ()


class TrainConfig(Asked):
    """A training, whole."""

    base: Word
    """A folder, or an entry of kind model: ./minilm, ada/base."""
    name: Word
    """namespace/name[@version] of the entry."""
    task: Word
    """text-classification, causal-lm, image-classification, …, or module:function for one's own."""
    seed: Seed = 0
    data: DataConfig
    adapter: AdapterConfig = AdapterConfig()
    optim: OptimConfig = OptimConfig()
    validation: ValidationConfig = ValidationConfig()
    robust: RobustConfig | None = None
    continual: ContinualConfig = ContinualConfig()
    sync: SyncConfig | None = None
    search: SearchConfig = SearchConfig()
    task_options: Annotated[dict[str, Any], AfterValidator(_plain)] = {}
    """What a task of one's own wants to know besides."""
    device: str | None = None
    """cpu, cuda, cuda:1, mps; None: the first accelerator there is, else the processor."""
    report: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ()
    keep_optimizer: bool = False
    """Keep the optimiser's state as a file of the entry, for `--continue`."""
    memory: Annotated[str | None, BeforeValidator(_size)] = None
    """The most memory a process may use, such as 2GB; None: what is free."""
