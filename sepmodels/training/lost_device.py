"""What is said when the GPU of a training fails in the middle of it."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sepmodels.errors import UserError
from sepmodels.machine.devices import device_of_rank, is_lost
from sepmodels.marks import no_part_of_a_result
from sepmodels.training.preparation import Task
from sepmodels.training.processes import World

Others = ParamSpec("Others")
Result = TypeVar("Result")
Work = Callable[Concatenate[World, Task, Others], Result]


@no_part_of_a_result("what is said of a GPU that fails")
def told_when_lost(work: Work[Others, Result]) -> Work[Others, Result]:
    """What a process does of a training; where its GPU fails, one sentence names it and says how to go on."""

    @functools.wraps(work)
    def told(world: World, task: Task, /, *others: Others.args, **named: Others.kwargs) -> Result:
        try:
            return work(world, task, *others, **named)
        except RuntimeError as error:
            if task.device.type != "cuda" or not is_lost(error):
                raise
            raise UserError(_sentence(world, task, error)) from error

    return told


def _sentence(world: World, task: Task, error: RuntimeError) -> str:
    device = device_of_rank(task.device, world.rank)
    other = 0 if device.index else 1
    precision = task.settings.precision  # the state is of that, and auto is another on a CPU
    on_cpu = "--set device=cpu" + (f" --set training.precision={precision}" if precision != "32" else "")
    state = task.files.states.latest()
    going_on = (
        f"the state saved after step {state['position']['step']} is kept, and the same command goes on from it"
        if state
        else "no state had been saved yet, and the same command begins the training again"
    )
    return (
        f"{device} failed while {task.variant.name!r} was trained ({str(error).splitlines()[0]}): {going_on}; "
        f"for another GPU add --set device=cuda:{other}, for the CPU {on_cpu}."
    )
