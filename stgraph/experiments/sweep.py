"""Runs tasks with dependencies in a fixed number of processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from stgraph.errors import StgraphError, WorkerError

__all__ = ["Task", "run_tasks"]


@dataclass(frozen=True)
class Task:
    """One function call to run in a worker process.

    Args:
        name: Unique name, used in errors.
        arguments: Argument of the function; must be picklable.
        needs: Names of tasks that must succeed first; names that are not among the tasks count as done.
    """

    name: str
    arguments: Any
    needs: tuple[str, ...] = ()


def run_tasks(
    function: Callable[[Any], Any],
    tasks: Sequence[Task],
    *,
    jobs: int,
    threads: int,
    devices: Sequence[str] = (),
    begin: Callable[[], None] | None = None,
) -> Iterator[tuple[Task, Any | StgraphError]]:
    """Yields each task with its result or its error, in the order of completion.

    An error of a task, of whatever class, is its answer, and the others are run. Worker processes are spawned, so they
    inherit no state, and each one runs many tasks. They exit when this process
    exits for any reason, so that no orphan keeps writing files.

    Args:
        function: Function to call; must be defined at the top level of a module.
        tasks: Tasks, started in this order unless they wait for their dependencies.
        jobs: Number of worker processes.
        threads: Number of torch threads per process; fixed because floating-point sums depend on it.
        devices: GPU numbers, assigned to the processes in turn; empty uses the CPU.
        begin: Called first in each process; its module should import little.

    Raises:
        WorkerError: If a process died (out of memory, or killed); finished tasks are kept.
    """
    context = multiprocessing.get_context("spawn")
    numbers = context.SimpleQueue()
    for job in range(jobs):
        numbers.put(devices[job % len(devices)] if devices else "")
    names = {task.name for task in tasks}
    waiting, failed, ended = list(tasks), set[str](), set[str]()
    pool = ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_begin, initargs=(threads, numbers, begin)
    )
    running: dict[Future[Any], Task] = {}
    try:
        while waiting or running:
            for task in list(waiting):
                if bad := [need for need in task.needs if need in failed]:
                    waiting.remove(task)
                    failed.add(task.name)
                    yield task, WorkerError(f"{task.name} needs {bad[0]}, which failed; fix that first.")
                elif all(need in ended or need not in names for need in task.needs):
                    waiting.remove(task)
                    running[pool.submit(_answer, function, task.arguments)] = task
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                answer = future.result()
                (failed if isinstance(answer, StgraphError) else ended).add(task.name)
                yield task, answer
    except BrokenProcessPool as error:
        raise WorkerError(
            "A process of the sweep died (out of memory, or killed); finished cells are kept: run the same command "
            "again, with fewer jobs=... if memory ran out."
        ) from error
    finally:
        if running:  # interrupted
            for process in list((pool._processes or {}).values()):
                process.terminate()
        pool.shutdown(cancel_futures=True)


def _answer(function: Callable[[Any], Any], arguments: Any) -> Any:
    """The result of a task, or its error as one that can be sent to the parent; no error ends the sweep."""
    try:
        return function(arguments)
    except StgraphError as error:
        found: StgraphError = error
    except OSError as error:
        found = WorkerError(" ".join(str(error).split()))
    except Exception as error:  # noqa: BLE001  a fault in one cell, of stgraph or of a model of the user's own
        traceback.print_exc()
        found = WorkerError(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    try:
        pickle.loads(pickle.dumps(found))
    except Exception:  # noqa: BLE001  errors with arguments of their own may not survive
        return WorkerError(str(found))
    return found


def _begin(threads: int, numbers: Any, begin: Callable[[], None] | None) -> None:
    """Initialises a worker: chooses its GPU and threads, makes it ignore Ctrl-C, and makes it exit with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all processes; the parent ends them
    device = numbers.get()
    if device:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    if begin is not None:
        begin()
    import torch  # only after CUDA_VISIBLE_DEVICES is set

    torch.set_num_threads(threads)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
