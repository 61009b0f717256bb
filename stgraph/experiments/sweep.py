"""Runs tasks with dependencies in a fixed number of processes."""

from __future__ import annotations

import multiprocessing
import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from stgraph.checking import checked
from stgraph.errors import StgraphError, WorkerError
from stgraph.processes import begin_worker, interrupts_blocked

__all__ = ["Task", "run_tasks"]


@checked
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


@checked
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

    An error of a task, of whatever class, is its answer, and the others are run. So is the death of its process, and a new
    process takes the place of the dead one. Worker processes are spawned, so they inherit no state, and each one runs many
    tasks. They end when this process ends for any reason, so that no orphan keeps writing files.

    Args:
        function: Function to call; must be defined at the top level of a module.
        tasks: Tasks, started in this order unless they wait for their dependencies.
        jobs: Number of worker processes.
        threads: Number of torch threads per process; fixed because floating-point sums depend on it.
        devices: GPU numbers, assigned to the processes in turn; empty uses the CPU.
        begin: Called first in each process; its module should import little.
    """
    names = {task.name for task in tasks}
    waiting, failed, ended = list(tasks), set[str](), set[str]()
    workers = [
        _Worker(threads, devices[job % len(devices)] if devices else "", begin)
        for job in range(min(jobs, len(tasks)))
    ]
    idle = list(workers)
    running: dict[Future[Any], tuple[Task, _Worker]] = {}
    try:
        while waiting or running:
            for task in list(waiting):
                if bad := [need for need in task.needs if need in failed]:
                    waiting.remove(task)
                    failed.add(task.name)
                    yield task, WorkerError(f"{task.name} needs {bad[0]}, which failed; fix that first.")
                elif idle and all(need in ended or need not in names for need in task.needs):
                    waiting.remove(task)
                    worker = idle.pop(0)
                    running[worker.submit(function, task.arguments)] = task, worker
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task, worker = running.pop(future)
                answer = worker.answer(future)
                idle.append(worker)
                (failed if isinstance(answer, StgraphError) else ended).add(task.name)
                yield task, answer
    finally:
        for worker in workers:
            worker.end(at_once=bool(running))


class _Worker:
    """A process that runs one task at a time; a pool of its own, because a death ends a whole pool."""

    def __init__(self, threads: int, device: str, begin: Callable[[], None] | None) -> None:
        self.arguments = threads, device, begin
        self.pool: ProcessPoolExecutor | None = None

    def submit(self, function: Callable[[Any], Any], arguments: Any) -> Future[Any]:
        """Starts a task, and the process if there is none."""
        if self.pool is None:
            context = multiprocessing.get_context("spawn")
            self.pool = ProcessPoolExecutor(1, context, initializer=begin_worker, initargs=self.arguments)
        with interrupts_blocked():  # a terminal sends Ctrl-C to all processes; this one ends the others
            return self.pool.submit(_answer, function, arguments)

    def answer(self, future: Future[Any]) -> Any:
        """The result or the error of a task that has ended."""
        try:
            return future.result()
        except BrokenProcessPool:
            self.end()
            return WorkerError(
                "Its process died (out of memory, or killed); run the same command again, with fewer jobs=... if memory ran "
                "out."
            )

    def end(self, *, at_once: bool = False) -> None:
        """Ends the process, after its task or at once; what it was doing can be continued."""
        pool, self.pool = self.pool, None
        if pool is None:
            return
        for process in list((pool._processes or {}).values()) if at_once else ():
            process.kill()
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
