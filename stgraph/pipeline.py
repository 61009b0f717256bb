"""A trained model with everything it needs to caption videos: vocabulary, graph builder, extractors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, overload

import torch
from torch_geometric.data import Batch

from stgraph.checking import checked, passes_on
from stgraph.datasets.loading.data_module import CaptionDataModule
from stgraph.datasets.stored_dataset import StoredDataset
from stgraph.decoding import Decoding, Greedy
from stgraph.errors import DataError, MissingDataError, ModelFolderError, OptionError
from stgraph.extraction import (
    ExtractionPlan,
    Failure,
    PlannedExtractors,
    Timings,
    VideoSource,
    extract_videos,
)
from stgraph.features.detections import Detections
from stgraph.features.streams import grid_names
from stgraph.features.video_features import VideoFeatures
from stgraph.files import write_text
from stgraph.graph import VideoGraph, VideoGraphBuilder, graphs_of
from stgraph.metrics import CaptionEvaluator, Evaluation
from stgraph.model_card import model_card
from stgraph.models import (
    Caption,
    CaptioningModel,
    ModelConfig,
    captions_of,
    load_model,
    read_model_config,
    save_model,
)
from stgraph.models.model_folder import FILES, fetch_from_hub, load_tokenizer
from stgraph.text import CaptionTokenizer
from stgraph.typing import Count

if TYPE_CHECKING:
    from stgraph.features.store import ExtractorRecord, FeatureStore

__all__ = ["Caption", "CaptionPipeline"]

VideoInput = str | Path | VideoFeatures | VideoGraph | Detections
GENERATED = "stgraph.interactions."  # in front of the names of the extractors of generated videos


@checked
class CaptionPipeline:
    """Captions videos with a trained model.

    Calling it captions one video or many: files, :class:`~stgraph.VideoFeatures`, graphs, detections. Make one by
    :meth:`from_pretrained`, or take what :func:`~stgraph.train_captioner` returns.

    Args:
        model: The model; it is put into evaluation mode.
        tokenizer: Words <-> ids.
        config: Graph settings, sampled frames and extractors of the training data.
        allow: Dotted names of extractors, other than installed ones, that may be imported for video files.
        extractor_settings: Settings of extractors by their group in ``stgraph extract``, such as ``{"motion": {"weights":
            "i3d.pt"}}``, which say where the files are that an extractor was made with.
    """

    def __init__(
        self,
        model: CaptioningModel,
        tokenizer: CaptionTokenizer,
        config: ModelConfig,
        allow: Collection[str] = (),
        extractor_settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.model, self.tokenizer, self.config = model.eval(), tokenizer, config
        self._builder = None if config.graph is None else config.graph.build()
        self.allow, self.extractor_settings = allow, extractor_settings or {}
        self._extractors: dict[str, PlannedExtractors] = {}

    # -- making, saving, sharing

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        device: torch.device | str = "cpu",
        allow: Collection[str] = (),
        extractor_settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> CaptionPipeline:
        """Loads a model folder, or a model of the Hugging Face hub as ``"hf://owner/name"``.

        Nothing in the folder is run as code: weights are safetensors, the configuration is checked against a schema.
        Extractors are looked up by name when the first video file is captioned.

        Args:
            path: A model folder; a path is never taken for a hub name.
            device: Device of the model.
            allow: As in the class; importing an extractor runs its code.
            extractor_settings: As in the class.

        Raises:
            MissingDataError: If there is no such folder, or it is incomplete.
            ModelFolderError: If the folder is damaged, or its files belong to different models.
            OptionError: If the device does not exist.
        """
        folder = fetch_from_hub(str(path)) if str(path).startswith("hf://") else Path(path)
        config = read_model_config(folder)
        model, tokenizer = load_model(folder, config), load_tokenizer(folder)
        vocab_size = model.config.get("vocab_size", tokenizer.vocab_size)
        if tokenizer.vocab_size != vocab_size:
            raise ModelFolderError(
                f"{folder}: the tokenizer has {tokenizer.vocab_size} words, the model {vocab_size}; the files are of "
                "different models."
            )
        if model.num_categories != len(config.categories):
            raise ModelFolderError(
                f"{folder}: config.json lists {len(config.categories)} categories, the model has {model.num_categories}; "
                "the files are of different models."
            )
        try:
            model = model.to(device)
        except (RuntimeError, AssertionError) as error:
            raise OptionError(
                f"'device' must be a device of this machine, got {device!r}: {str(error).splitlines()[0]}"
            ) from error
        return cls(model, tokenizer, config, allow, extractor_settings)

    def save_pretrained(self, folder: str | Path, *, license: str | None = None) -> Path:
        """Writes a model folder with a model card (``README.md``).

        Args:
            folder: Made if it does not exist; scores of ``stgraph evaluate`` in it appear on the card.
            license: Licence identifier for the card, such as "mit".

        Returns:
            The folder.
        """
        folder = Path(folder)
        save_model(folder, self.model, self.config, self.tokenizer)
        write_text(folder / "README.md", model_card(self.config, folder, license=license))
        return folder

    def push_to_hub(
        self,
        repo_id: str,
        *,
        license: str | None = None,
        folder: str | Path | None = None,
        private: bool = False,
    ) -> str:
        """Uploads the model and its card to the Hugging Face hub.

        Args:
            repo_id: ``"owner/name"``.
            license: Licence identifier for the card.
            folder: Model folder whose evaluations appear on the card; None takes none.
            private: Whether a new repository is private.

        Returns:
            Address of the upload's commit.

        Raises:
            MissingDataError: If the hub refuses the upload or cannot be reached.
        """
        import tempfile

        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError

        with tempfile.TemporaryDirectory() as temporary:
            upload = self.save_pretrained(temporary, license=license)
            if folder is not None:
                card = model_card(self.config, Path(folder), license=license)
                write_text(upload / "README.md", card)
            try:
                api = HfApi()
                api.create_repo(repo_id, private=private, exist_ok=True)
                found = api.upload_folder(
                    repo_id=repo_id,
                    folder_path=upload,
                    allow_patterns=[*FILES, "README.md"],
                    commit_message="Upload a stgraph model",
                )
            except (HfHubHTTPError, HFValidationError, OSError) as error:
                raise MissingDataError(
                    f"The model cannot be uploaded to '{repo_id}': {str(error).splitlines()[0]}"
                ) from error
        return str(found)

    # -- captions

    @property
    def default_branch(self) -> str:
        """The branch that is evaluated, which is the scene branch if the model has one and the only one otherwise."""
        return self.model.branches[0]

    @property
    def builder(self) -> VideoGraphBuilder:
        """The graph builder of the training data.

        Raises:
            OptionError: If the model was trained on ready-made graphs.
        """
        if self._builder is None:
            raise OptionError(
                "The model was trained on ready-made graphs, and 'graph' in its config.json is null, so no graph can be "
                "made of a video; pass a VideoGraph."
            )
        return self._builder

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return next(self.model.parameters()).device

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a path is a sequence of strings to mypy
        self,
        videos: VideoInput,
        branch: str | None = ...,
        *,
        decoding: Decoding | None = ...,
        attention: bool = ...,
        batch_size: int = ...,
    ) -> Caption: ...
    @overload
    def __call__(
        self,
        videos: Sequence[VideoInput] | Batch,
        branch: str | None = ...,
        *,
        decoding: Decoding | None = ...,
        attention: bool = ...,
        batch_size: int = ...,
    ) -> list[Caption]: ...
    def __call__(
        self,
        videos: VideoInput | Sequence[VideoInput] | Batch,
        branch: str | None = None,
        *,
        decoding: Decoding | None = None,
        attention: bool = False,
        batch_size: Count = 64,
    ) -> Caption | list[Caption]:
        """Captions one video, or each of a list or PyG batch.

        Args:
            videos: A path of a video file, :class:`~stgraph.VideoFeatures`, a graph, :class:`~stgraph.Detections` (their
                features must come from the model's extractor), or a list of any of them.
            branch: Branch that generates; None is the one that is evaluated.
            decoding: How words are chosen; None is greedy. Several captions of a video follow each other in a list.
            attention: Whether captions carry attention weights.
            batch_size: Videos that are captioned at once.

        Raises:
            MissingDataError: If a file does not exist.
            DataError: If a file cannot be read, or a video lacks a stream that the branch needs.
            ModelFolderError: If the model's extractors cannot be made here.
            OptionError: If the model has no such branch, or several captions were asked of a single video.
        """
        single = isinstance(videos, str) or not isinstance(videos, Sequence | Batch)
        listed: list[Any] = [videos]
        if isinstance(videos, Batch):
            listed = videos.to_data_list()
        elif not single:
            listed = list(cast(Sequence[Any], videos))
        else:
            if decoding is not None and decoding.captions_per_video > 1:
                raise OptionError(
                    f"'captions_per_video' must be 1 for a single video, got {decoding.captions_per_video}; pass a list for "
                    "several captions."
                )
            listed = [videos]
        found = self._caption_inputs(listed, branch, batch_size, decoding=decoding, attention=attention)
        return found[0] if single else found

    @passes_on
    def caption(self, videos: Any, branch: str | None = None, **options: Any) -> Any:
        """The same as calling the pipeline."""
        return self(videos, branch, **options)

    def graph_of(self, video: VideoInput, branch: str | None = None) -> VideoGraph:
        """The graph of a video as the model gets it, with the streams that a branch reads.

        Args:
            video: As in a call.
            branch: As in a call.

        Raises:
            MissingDataError: As in a call.
            DataError: As in a call.
            ModelFolderError: As in a call.
            OptionError: As in a call.
        """
        self.model.check_branch(branch or self.default_branch)
        files = _existing_files([video])
        read = self.extract_features(files, branch) if files else iter(())
        return self._graph_of(video, 0, read, branch)

    def batch_of(self, graphs: Sequence[VideoGraph]) -> Batch:
        """Joins graphs to a batch on the model's device; videos without a category get the one that stands for none.

        Raises:
            OptionError: If there is none.
        """
        if not len(graphs):
            raise OptionError("'graphs' must hold at least one graph, got none.")
        batch = Batch.from_data_list(list(graphs)).to(self.device)
        if self.model.num_categories and batch.get("category") is None:
            batch.category = torch.full((len(graphs),), -1, device=self.device)
        return batch

    def _caption_inputs(
        self, videos: Sequence[Any], branch: str | None, batch_size: int, **how: Any
    ) -> list[Caption]:
        files = _existing_files(videos)
        read = self.extract_features(files, branch) if files else iter(())
        captions: list[Caption] = []
        for start in range(0, len(videos), batch_size):
            group = videos[start : start + batch_size]
            graphs = [self._graph_of(video, start + row, read, branch) for row, video in enumerate(group)]
            captions += [
                caption for found in self._caption_graphs(graphs, start, branch, **how) for caption in found
            ]
        return captions

    def _graph_of(self, video: Any, position: int, read: Iterator[Any], branch: str | None) -> VideoGraph:
        """The graph of any kind of input; ``read`` yields the features of files."""
        if isinstance(video, str | Path):
            found = next(read)
            if isinstance(found, Failure):
                raise DataError(f"{video} cannot be captioned: {found.reason}")
            video = found
        if isinstance(video, VideoGraph):
            return video
        if not isinstance(video, VideoFeatures | Detections):
            raise OptionError(
                f"A video must be a path, VideoFeatures, a VideoGraph or Detections, got {type(video).__name__} at "
                f"position {position}."
            )
        if isinstance(video, Detections):
            video = _as_features(video, str(position))
        grids = grid_names(self.model.streams(branch or self.default_branch))
        config = self.config
        return graphs_of([video], self.builder, config.num_frames, sampling=config.sampling, grids=grids)[0]

    def _caption_graphs(
        self, graphs: Sequence[VideoGraph], first: int, branch: str | None, **how: Any
    ) -> list[list[Caption]]:
        """Captions of each graph; graphs with the same attributes form one batch."""
        alike: dict[frozenset[str], list[int]] = {}
        for row, graph in enumerate(graphs):
            alike.setdefault(frozenset(graph.keys()), []).append(row)
        found: list[list[Caption]] = [[] for _ in graphs]
        for rows in alike.values():
            batch = self.batch_of([graphs[row] for row in rows])
            for caption in captions_of(
                self.model, self.tokenizer, batch, [str(row) for row in rows], branch, **how
            ):
                row = int(caption.video_id)
                video_id = graphs[row].get("video_id") or str(first + row)
                found[row].append(replace(caption, video_id=video_id))
        return found

    def extract_features(
        self,
        paths: Sequence[str | Path],
        branch: str | None = None,
        *,
        threads: int = 1,
        timings: Timings | None = None,
    ) -> Iterator[VideoFeatures | Failure]:
        """Features of video files for a branch, by the extractors that the model was trained on; ids are the paths.

        Args:
            paths: The files.
            branch: Branch whose streams are extracted; None is the one that is evaluated.
            threads: Threads that read files.
            timings: Is given the time of each extractor.
        """
        sources = [VideoSource(str(path), Path(path)) for path in paths]
        yield from extract_videos(sources, self.extractors(branch), threads=threads, timings=timings)

    def extractors(self, branch: str | None = None) -> PlannedExtractors:
        """The extractors of the streams that a branch reads; the scene branch needs no detector.

        Args:
            branch: The branch; None is the one that is evaluated.

        Raises:
            ModelFolderError: If an extractor is not installed, needs a file that was not given, or was never recorded.
            DataError: If weights differ from those that the model was trained on.
        """
        branch = branch or self.default_branch
        streams = self.model.streams(branch)
        if branch not in self._extractors:
            records = {
                stream: self.config.extractors[stream]
                for stream in streams
                if stream in self.config.extractors
            }
            if not records:
                raise ModelFolderError(
                    "This model does not record which extractors its features came from, as it was trained on ready-made "
                    "graphs; pass graphs instead of video files."
                )
            if any(record.name.startswith(GENERATED) for record in records.values()):
                raise ModelFolderError(
                    "This model was trained on generated videos, whose features do not apply to others; extract features of "
                    "your videos with 'stgraph extract' and train on them."
                )
            plan = ExtractionPlan.of_records(records, self.allow, self.extractor_settings)
            try:
                planned = plan.build(self.device)
            except OptionError as error:
                raise ModelFolderError(f"The model's extractors cannot be made: {error}") from error
            planned.check_same(records)
            self._extractors[branch] = planned
        return self._extractors[branch]

    def caption_all(
        self,
        videos: Sequence[VideoFeatures],
        branch: str | None = None,
        batch_size: Count = 64,
        *,
        categories: Mapping[str, str | None] | None = None,
        decoding: Decoding | None = None,
        attention: bool = False,
    ) -> Iterator[Caption]:
        """Captions videos of known features in batches, in their order.

        Args:
            videos: The features.
            branch: As in a call.
            batch_size: As in a call.
            categories: Category of each video, for models that were trained with categories; a video without one, or with
                a category that no training video had, is captioned without.
            decoding: As in a call.
            attention: As in a call.
        """
        branch = branch or self.default_branch
        numbers: dict[str | None, int] = {name: number for number, name in enumerate(self.config.categories)}
        for start in range(0, len(videos), batch_size):
            group = videos[start : start + batch_size]
            category = (
                [numbers.get((categories or {}).get(video.id), -1) for video in group] if numbers else None
            )
            graphs = graphs_of(
                group,
                self.builder,
                self.config.num_frames,
                sampling=self.config.sampling,
                grids=grid_names(self.model.streams(branch)),
                category=category,
            ).to(self.device)
            ids = [video.id for video in group]
            yield from captions_of(
                self.model, self.tokenizer, graphs, ids, branch, decoding=decoding, attention=attention
            )

    def caption_store(
        self,
        store: FeatureStore,
        video_ids: Sequence[str],
        branch: str | None = None,
        batch_size: Count = 64,
        *,
        categories: Mapping[str, str | None] | None = None,
        decoding: Decoding | None = None,
        attention: bool = False,
    ) -> Iterator[Caption]:
        """As :meth:`caption_all`, for videos of a store, whose features must come from the model's extractors.

        Args:
            store: The features.
            video_ids: Videos to caption.
            branch: As in a call.
            batch_size: As in a call.
            categories: As in :meth:`caption_all`.
            decoding: As in a call.
            attention: As in a call.
        """
        branch = branch or self.default_branch
        self.check_extractors(store.extractors, branch)
        # The scene branch never reads the objects, neither on disk nor in the graph.
        streams = [name for name in self.model.streams(branch) if name in store.extractors]
        for start in range(0, len(video_ids), batch_size):
            group = [store.read(video_id, streams) for video_id in video_ids[start : start + batch_size]]
            yield from self.caption_all(
                group, branch, batch_size, categories=categories, decoding=decoding, attention=attention
            )

    def check_extractors(self, extractors: Mapping[str, ExtractorRecord], branch: str | None = None) -> None:
        """Refuses features that other extractors made.

        Args:
            extractors: Record of each stream, as a store has them.
            branch: The branch; None is the one that is evaluated.

        Raises:
            OptionError: If the model has no such branch.
            DataError: If a stream that the branch reads is missing, or its extractor or weights differ.
        """
        for stream in self.model.streams(branch or self.default_branch):
            wanted, found = self.config.extractors.get(stream), extractors.get(stream)
            if wanted is None:
                continue
            if found is None:
                raise DataError(
                    f"This model needs '{stream}' features of the extractor '{wanted.name}', but the store has none; "
                    "extract them first."
                )
            if (found.name, found.weights) != (wanted.name, wanted.weights):
                raise DataError(
                    f"This model was trained on '{stream}' features of '{wanted.name}' (weights {wanted.weights[:16]}), "
                    f"but the store's come from '{found.name}' (weights {found.weights[:16]}); extract them again "
                    "with the model's extractor."
                )

    # -- scores

    def evaluate(
        self,
        data: CaptionDataModule | StoredDataset,
        split: str = "test",
        branch: str | None = None,
        *,
        batch_size: Count = 64,
        evaluator: CaptionEvaluator | None = None,
        decoding: Decoding | None = None,
    ) -> Evaluation:
        """Captions every video of a split once and scores the captions.

        Args:
            data: Videos and references.
            split: "train", "val" or "test".
            branch: As in a call.
            batch_size: As in a call.
            evaluator: An evaluator of the split's references, to share their tokenisation between calls.
            decoding: As in a call.

        Raises:
            DataError: If the split has no videos, or the features come from other extractors than the model's.
            OptionError: If several captions per video are asked for.
        """
        decoding = Greedy() if decoding is None else decoding
        if decoding.captions_per_video > 1:
            raise OptionError(
                f"'captions_per_video' must be 1 where captions are scored, got {decoding.captions_per_video}."
            )
        references = data.corpus.references(split)
        if not references:
            raise DataError(
                f"The data set '{data.name}' has no videos in the split '{split}'; choose another by split=..."
            )
        evaluator = evaluator or CaptionEvaluator(references)
        evaluator.warm_up()
        branch = branch or self.default_branch
        store = data.store if isinstance(data, StoredDataset) else data.feature_store
        found: Iterable[Caption]
        if store is not None:
            categories = {video_id: data.corpus[video_id].category for video_id in references}
            found = self.caption_store(
                store, list(references), branch, batch_size, categories=categories, decoding=decoding
            )
        else:
            graphs = cast(CaptionDataModule, data).source.batch(list(references)).to_data_list()
            found = self._caption_inputs(graphs, branch, batch_size, decoding=decoding)
        captions = {caption.video_id: caption.text for caption in found}
        digest = hashlib.sha256(json.dumps(sorted(references.items())).encode()).hexdigest()
        return Evaluation(str(data.name), split, branch, captions, evaluator(captions), digest, decoding)


def _existing_files(videos: Sequence[Any]) -> list[str | Path]:
    """Those of the inputs that are paths.

    Raises:
        MissingDataError: If there is no such file.
    """
    files = [video for video in videos if isinstance(video, str | Path)]
    for file in files:
        if not Path(file).is_file():
            raise MissingDataError(f"There is no video file {file}; check the path.")
    return files


def _as_features(detections: Detections, video_id: str) -> VideoFeatures:
    """Detections as a video of objects alone, so that their frames are sampled as those of the training videos were."""
    frame_index = detections.frame_index
    if frame_index is None:
        frame_index = torch.arange(detections.num_frames)
    time = torch.full((detections.num_frames,), float("nan")) if detections.time is None else detections.time
    return VideoFeatures(video_id, detections.size, frame_index, time, detections=detections)
