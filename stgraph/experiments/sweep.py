"""Runs tasks that may need each other in a fixed number of processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from stgraph.errors import StgraphError, WorkerError

__all__ = ["Task", "run_tasks"]


@dataclass(frozen=True)
class Task:
    """One call of a function in a process of its own choosing.

    Args:
        name: What errors call it, unique.
        arguments: What the function gets; picklable.
        needs: Names of tasks that must end well first; those that are not among the tasks count as done.
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
    """Yields each task with its answer, or with the error that it ended with, in the order in which they end.

    The processes are started afresh (nothing of this one leaks into them), are used for task after task, and end when
    this one does, however it ends: no orphan goes on writing.

    Args:
        function: Of the module's top level.
        tasks: Earlier ones start earlier, unless they wait for what they need.
        jobs: Processes.
        threads: Of torch in each; sums depend on their number, so it is fixed.
        devices: GPUs by number, dealt to the processes in turn; empty is the CPU.
        begin: Called first in each process, of a module that imports little.

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
                    yield task, WorkerError(f"{task.name} needs {bad[0]}, which failed; mend that first.")
                elif all(need in ended or need not in names for need in task.needs):
                    waiting.remove(task)
                    running[pool.submit(function, task.arguments)] = task
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                answer: Any
                try:
                    answer = future.result()
                    ended.add(task.name)
                except StgraphError as error:
                    answer = error
                    failed.add(task.name)
                yield task, answer
    except BrokenProcessPool as error:
        raise WorkerError(
            "A process of the sweep died (out of memory, or killed); finished cells are kept: run the same command "
            "again, with fewer jobs=... where memory was short."
        ) from error
    finally:
        if running:  # stopped in the middle
            for process in list((pool._processes or {}).values()):
                process.terminate()
        pool.shutdown(cancel_futures=True)


def _begin(threads: int, numbers: Any, begin: Callable[[], None] | None) -> None:
    """Sets a worker up: its device, its threads, and its end with its parent."""
    device = numbers.get()
    if device:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    if begin is not None:
        begin()
    import torch  # behind the choice of the device

    torch.set_num_threads(threads)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
