"""A callback for `transformers.Trainer` and everything made of it (TRL): the run ends as an entry.

    from adapterhub.integrations.transformers import PublishCallback

    Trainer(model=peft_model, …, callbacks=[PublishCallback("ada/poet")]).train()

Nothing of transformers is imported before a callback is made.
"""

import shutil
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.errors import AdapterHubError, Unreachable
from adapterhub.hub import Hub
from adapterhub.integrations import base, cost, saved, training

if TYPE_CHECKING:
    from adapterhub.verbs.shown import Shown

__all__ = ["PublishCallback"]


class PublishCallback:
    """Publishes what was trained when training ends: the best weights if the Trainer loads those, else the last.

    The entry has its base pinned by content, the arguments, seed, data and versions in its manifest, the last
    evaluation as metrics, time, memory and trainable parameters as cost. Only the first process publishes.

    name      namespace/name[@version]; one that cannot be is refused here, before anything is trained
    base      a folder, an entry, hf:org/name[@revision]; None: where the model was loaded from
    store     the store's folder; None: the usual one
    metrics   what is known besides, and better than the Trainer's log
    tags      of the entry

    If it cannot be published, the run goes on, a warning says what to do, and what was saved stays beside the
    checkpoints. `shown` is the entry when all went well.
    """

    def __new__(cls, *args: Any, **options: Any) -> "PublishCallback":
        """An instance that is a `transformers.TrainerCallback` too: that class is found here and no earlier."""
        from transformers import TrainerCallback

        return object.__new__(type(cls.__name__, (cls, TrainerCallback), {"__module__": cls.__module__}))

    def __init__(
        self,
        name: str,
        *,
        base: str | Path | None = None,
        store: str | Path | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Iterable[str] = (),
        license: str = "",
    ) -> None:
        self.hub = Hub.open(store)
        self.hub.desk.target(name)
        self.name, self.base, self.license = name, base, license
        self.metrics, self.tags = dict(metrics or {}), tuple(tags)
        self.shown: Shown | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count memory from here."""
        if state.is_world_process_zero:
            cost.begin()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Publish, and never raise: by now the training is worth more than its entry."""
        if not state.is_world_process_zero:
            return
        folder = None
        try:
            Path(args.output_dir).mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix="adapterhub-", dir=args.output_dir))
            self.shown = self._publish(folder, args, state, kwargs)
        except Exception as error:
            self._warn(error, folder if folder and any(folder.iterdir()) else Path(args.output_dir))
        else:
            shutil.rmtree(folder, ignore_errors=True)

    def _publish(self, folder: Path, args: Any, state: Any, kwargs: Mapping[str, Any]) -> "Shown":
        model = kwargs["model"]
        source = base.source_of(model)
        saved.save(folder, model, kwargs.get("processing_class"), base.name_of(source))
        saved.write_state(folder, state)
        said: dict[str, Any] = {
            "base": (self.base or base.word_of(source)) if saved.is_adapter(model) else None,
            "metrics": {**training.metrics_of(state, best=args.load_best_model_at_end), **self.metrics},
            "tags": self.tags,
            "license": self.license,
            "cost": cost.of(model, state),
            "training": training.of(args, kwargs),
        }
        try:
            return self.hub.add(folder, self.name, **said)
        except Unreachable:  # the Hub; what the model was loaded from lies in its client's cache
            return Hub(self.hub.desk.store, offline=True).add(folder, self.name, **said)

    def _warn(self, error: Exception, folder: Path) -> None:
        hint = f" ({error.hint})" if isinstance(error, AdapterHubError) and error.hint else ""
        pinned = f" --base {self.base}" if self.base else ""
        warnings.warn(
            f"the run was not published as {self.name}: {type(error).__name__}: {error}{hint}. "
            f"What was trained lies in {folder}: `adapterhub add {folder} {self.name}{pinned}`",
            RuntimeWarning,
            stacklevel=2,
        )
