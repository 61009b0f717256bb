"""One run on Ray in which a reader and a model process are killed, and tests of the stages without Ray."""

import pickle
import secrets
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
import ray
import torch

from stgraph.errors import DependencyError, OptionError, WorkerError
from stgraph.extraction import (
    ExtractionPlan,
    ExtractorChoice,
    Failure,
    FrameRule,
    Timings,
    VideoSource,
    extract_to_store,
    extract_videos,
    ray_engine,
)
from stgraph.extraction.ray_engine import extract_with_ray
from stgraph.extraction.ray_stages import (
    MAX_ATTEMPTS,
    AttemptCounter,
    ExtractStage,
    Job,
    pickled,
    read_stage,
    unpickled,
)
from stgraph.features.store import FeatureStore
from stgraph.features.video_features import VideoFeatures
from tests.extraction.plugin_folder import own_extractors as own
from tests.video.samples import write_video

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated.*:DeprecationWarning:ray")

HEIGHTS = {
    "a": own.PLAIN,
    "b": own.READER_DIES,
    "c": own.DESCRIBE_RAISES,
    "d": own.MODEL_DIES,
    "e": own.PREPARE_RAISES,
    "g": own.PLAIN,
}


def plan_with(marks):
    names = ["own_extractors.Frames", "own_extractors.Clips"]
    choices = [ExtractorChoice(names[0], {"marks": str(marks)}), ExtractorChoice(names[1])]
    return ExtractionPlan(choices, FrameRule("spread", 5), names)


@pytest.fixture(scope="module")
def environment():
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(Path(own.__file__).parent))
    patch.setenv(
        "RAY_worker_niceness", "0"
    )  # otherwise workers yield to every other process of a busy machine
    patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))  # otherwise Ray writes one to the user's home
    yield patch
    patch.undo()


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for name, height in HEIGHTS.items():
        write_video(folder / f"{name}.mp4", frames=20 if name == "a" else 35, size=(height, 64))
    (folder / "f.mp4").touch()
    return [VideoSource(name, folder / f"{name}.mp4") for name in "abcdefg"]


@pytest.fixture(scope="module")
def local(environment, sources, tmp_path_factory):
    """The results of the single-process engine, in which nothing is killed."""
    marks = tmp_path_factory.mktemp("unharmed")
    for who in ("reader", "model"):
        (marks / f"{who} died").touch()
    planned = plan_with(marks).build()
    timings = Timings()
    engine = partial(extract_videos, planned=planned, batch_size=2, timings=timings)
    extract_to_store(sources, planned, marks / "store.h5", engine, dtype="float32")
    return planned, FeatureStore(marks / "store.h5"), list(engine(sources)), timings


@pytest.fixture(scope="module")
def killed(environment, sources, local, tmp_path_factory):
    """A run on Ray with the same plan, except that its marks folder records no death yet."""
    marks = tmp_path_factory.mktemp("killed")
    results, timings = [], Timings()

    def engine(todo):
        for result in extract_with_ray(todo, plan_with(marks), batch_size=2, timings=timings):
            results.append(result)
            yield result

    extract_to_store(sources, local[0], marks / "store.h5", engine, dtype="float32")
    assert not ray.is_initialized()
    return marks, FeatureStore(marks / "store.h5"), results, timings


def test_two_killed_workers_change_nothing_in_the_store(local, killed):
    marks, store, _, _ = killed
    assert {path.name for path in marks.glob("* died")} == {"reader died", "model died"}
    assert store.ids == local[1].ids == ("a", "b", "d", "g")
    for name in store.ids:
        for stream in ("appearance", "motion", "frame_index", "frame_time", "clip_start"):
            found, expected = getattr(store[name], stream), getattr(local[1][name], stream)
            assert torch.equal(found, expected), (name, stream)


def test_results_keep_the_order_and_failures_their_reasons(sources, local, killed):
    told = [result if isinstance(result, Failure) else result.id for result in killed[2]]
    assert told == [result if isinstance(result, Failure) else result.id for result in local[2]]
    reasons = [result.reason for result in told if isinstance(result, Failure)]
    assert reasons[:2] == ["RuntimeError: cannot see it", "ValueError: no such height"]
    assert str(sources[5].path) in reasons[2]


def test_models_and_readers_are_processes_of_their_own(killed):
    pids = {work: {path.suffix for path in killed[0].glob(f"{work}.*")} for work in ("read", "described")}
    assert len(pids["read"]) >= 2  # one was killed
    assert len(pids["described"]) == 2
    assert not pids["read"] & pids["described"]


def test_timings_are_those_of_the_actors(killed):
    assert killed[3].items == {"own_extractors.Frames": 20, "own_extractors.Clips": 1 + 2 + 2 + 2}
    assert all(seconds > 0 for seconds in killed[3].seconds.values())


@pytest.fixture
def tries(monkeypatch):
    """The counter without its actor."""
    monkeypatch.setattr(ray, "get", lambda answer: answer)
    return SimpleNamespace(begin=SimpleNamespace(remote=AttemptCounter().begin))


def job_of(plan):
    return Job(pickle.dumps(plan), 2, torch.get_num_threads(), str(Path.cwd()), tuple(sys.path))


def result_of(job, tries, source):
    block = pa.table({"content": [pickled((7, source))]})
    number, result, _ = next(unpickled(ExtractStage(job, "cpu", tries)(read_stage(block, job, tries))))
    assert number == 7
    return result


def test_a_video_is_given_up_when_its_process_has_died_three_times(local, sources, tries, tmp_path):
    job = job_of(plan_with(tmp_path))
    assert isinstance(result_of(job, tries, sources[0]), VideoFeatures)
    for work, times in (("extracted", MAX_ATTEMPTS - 1), ("read", MAX_ATTEMPTS)):
        for _ in range(times):
            tries.begin.remote(work, 7)
        reason = f"the process that {work} it died {MAX_ATTEMPTS} times"
        assert result_of(job, tries, sources[0]).startswith(reason)


def test_extractors_that_cannot_be_made_there_end_the_run(sources, tries, monkeypatch):
    plan = ExtractionPlan([ExtractorChoice("nobody.knows.It")])
    result = result_of(job_of(plan), tries, sources[0])
    assert isinstance(result, WorkerError)
    assert "There is no extractor 'nobody.knows.It'" in str(result)
    monkeypatch.setattr(ray_engine, "_ray", lambda *_: nullcontext())
    monkeypatch.setattr(ray_engine, "_results", lambda *_: (one for one in [(0, result, Timings())]))
    with pytest.raises(WorkerError, match="cannot be created in a Ray worker"):
        list(extract_with_ray(sources, plan))


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"actors": 0}, {"readers": 0}, {"actors": 1.5}, {"gpus_per_actor": -1}]
)
def test_numbers_that_cannot_be_are_refused(sources, wrong):
    with pytest.raises(OptionError, match=next(iter(wrong))):
        list(extract_with_ray(sources, plan_with("."), **wrong))


def test_too_few_gpus_and_no_cluster_are_told_and_ray_is_left(sources, monkeypatch):
    left = []
    monkeypatch.setattr(ray, "init", lambda *_, **__: None)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 4, "GPU": 1})
    monkeypatch.setattr(ray, "shutdown", lambda: left.append("shutdown"))
    with pytest.raises(OptionError, match="need 1.5 GPUs, this machine has 1;"):
        list(extract_with_ray(sources, plan_with("."), actors=3, gpus_per_actor=0.5))

    def nobody(*_, **__):
        raise ConnectionError("nobody answers.")

    monkeypatch.setattr(ray, "init", nobody)
    with pytest.raises(OptionError, match="no Ray at 'ray.address' = 'auto': nobody answers\\. If"):
        list(extract_with_ray(sources, plan_with("."), address="auto"))
    assert left == ["shutdown", "shutdown"]


def test_nothing_to_do_starts_nothing(monkeypatch):
    monkeypatch.setattr(ray_engine, "_ray", None)
    assert list(extract_with_ray([], plan_with("."))) == []


def test_without_ray_the_package_to_install_is_named(sources, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(DependencyError, match=r"pip install 'stgraph-captioning\[distributed\]'"):
        list(extract_with_ray(sources, plan_with(".")))
