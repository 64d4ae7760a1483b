"""What a stack has put on a model stays there: it is neither copied nor pickled with it."""

from typing import Never

from adapterhub.errors import Refused

__all__ = ["Attached"]


class Attached:
    """Refuses `copy.deepcopy` and pickle: in a copy of the model no stack could weigh it or take it off."""

    def __reduce_ex__(self, protocol: object) -> Never:
        raise Refused(
            "a model with adapters on it cannot be copied or pickled: no stack could take them off the copy",
            hint="leave the stack first, or fuse the adapters into a checkpoint; state_dict() gives the model's own",
        )
