"""A trained model with all it needs to describe a video: vocabulary, graph builder, the extractors it was trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

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
from stgraph.features.video_features import VideoFeatures
from stgraph.graph.from_features import graphs_of, grid_names
from stgraph.metrics import CaptionEvaluator
from stgraph.metrics.evaluation import Evaluation
from stgraph.models.model_folder import (
    AnyCaptioner,
    ModelConfig,
    file_inside,
    from_hub,
    load_model,
    read_description,
)
from stgraph.text import CaptionTokenizer

if TYPE_CHECKING:
    from stgraph.datasets.stored_dataset import StoredDataset
    from stgraph.features.store import FeatureStore

__all__ = ["Caption", "CaptionPipeline"]


@dataclass(frozen=True)
class Caption:
    """A sentence about a video, and the log-probability of each word; that of the end mark is last, if it has one.

    ``attention``, where it was asked for, says by name what each of these words looked at; which names a system has is
    listed in docs/training.md. Two captions are equal whatever they looked at.

    Shapes: attention over the T sampled frames ``[n, T]``, over their regions ``[n, T, S]``, "branches" ``[n, 2]``, for
        n words, the end mark among them.
    """

    video_id: str
    text: str
    log_probs: tuple[float, ...]
    attention: Mapping[str, Tensor] = field(default_factory=dict, compare=False, repr=False)


class CaptionPipeline:
    """Describes videos by a trained model; make one by :func:`CaptionPipeline`.

    Args:
        model: In evaluation mode.
        tokenizer: Ids to words.
        description: Graph settings, sampled frames and extractors of the training data.
        allow: Dotted names of extractors, other than those installed, that may be imported for video files.
        extractor_settings: Settings of yours, by the group of ``stgraph extract``, such as ``{"motion": {"weights":
            "i3d.pt"}}``; they say where a file is that an extractor was made with.
    """

    def __init__(
        self,
        model: AnyCaptioner,
        tokenizer: CaptionTokenizer,
        description: ModelConfig,
        allow: Collection[str] = (),
        extractor_settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.model, self.tokenizer, self.description = model, tokenizer, description
        self.builder = description.graph.build()
        self.allow, self.extractor_settings = allow, extractor_settings or {}
        self._extractors: dict[str, PlannedExtractors] = {}

    @property
    def default_branch(self) -> str:
        """The branch that is tested: the scene's where the model has one, or the only one."""
        return self.model.branches[0]

    def caption(
        self,
        video: VideoFeatures | str | Path,
        branch: str | None = None,
        *,
        decoding: Decoding | None = None,
        attention: bool = False,
    ) -> Caption:
        """Describes one video, a file or its features; ``decoding`` and ``attention`` are those of :meth:`caption_all`.

        Raises: DataError: A file that cannot be read, or features that the extractors refuse; also as :meth:`extractors`.
            OptionError: ``decoding`` asks for several captions.
        """
        if decoding is not None and decoding.captions_per_video > 1:
            raise OptionError(
                f"'captions_per_video' must be 1 for one caption, got {decoding.captions_per_video}; "
                "'caption_all' gives several."
            )
        if not isinstance(video, VideoFeatures):
            found = next(iter(self.extract_features([video], branch)))
            if isinstance(found, Failure):
                raise DataError(f"{video} cannot be described: {found.reason}")
            video = found
        return next(iter(self.caption_all([video], branch, decoding=decoding, attention=attention)))

    def extract_features(
        self,
        paths: Sequence[str | Path],
        branch: str | None = None,
        *,
        threads: int = 1,
        timings: Timings | None = None,
    ) -> Iterator[VideoFeatures | Failure]:
        """Features of video files for ``branch``, by the extractors that the model was trained on; the path is the id."""
        sources = [VideoSource(str(path), Path(path)) for path in paths]
        yield from extract_videos(sources, self.extractors(branch), threads=threads, timings=timings)

    def extractors(self, branch: str | None = None) -> PlannedExtractors:
        """The extractors of the streams that ``branch`` reads, made again by their names; no detector for the scene branch.

        Raises: ModelFolderError: The folder names an extractor that is not installed, or a file that must be shown.
            DataError: The weights are not those of the training.
        """
        branch = branch or self.default_branch
        streams = self.model.streams(branch)
        if branch not in self._extractors:
            records = {
                stream: self.description.extractors[stream]
                for stream in streams
                if stream in self.description.extractors
            }
            if any(record.name.startswith("stgraph.interactions.") for record in records.values()):
                raise ModelFolderError(
                    "This model was trained on generated videos, whose features are no use for others; extract videos of "
                    "yours with 'stgraph extract' and train on them."
                )
            plan = ExtractionPlan.of_records(records, self.allow, self.extractor_settings)
            try:
                planned = plan.build(next(self.model.parameters()).device)
            except OptionError as error:
                raise ModelFolderError(f"The model's extractors cannot be made: {error}") from error
            planned.check_same(records)
            self._extractors[branch] = planned
        return self._extractors[branch]

    def caption_all(
        self,
        videos: Sequence[VideoFeatures],
        branch: str | None = None,
        batch_size: int = 64,
        *,
        categories: Mapping[str, str | None] | None = None,
        decoding: Decoding | None = None,
        attention: bool = False,
    ) -> Iterator[Caption]:
        """Describes videos in batches, in their order.

        Args:
            videos, branch, batch_size: What is described, by which branch, how many at once.
            categories: Which video is of which category, for models that were trained with categories; a video that it
                lacks, or whose category no training video had, is described without.
            decoding: How words are chosen; None is greedy. Several captions of a video come one behind the other.
            attention: Whether captions say what each word looked at.
        """
        branch = branch or self.default_branch
        known: dict[str | None, int] = {
            name: number for number, name in enumerate(self.description.categories)
        }
        device = next(self.model.parameters()).device
        for start in range(0, len(videos), batch_size):
            group = videos[start : start + batch_size]
            graphs = graphs_of(
                group,
                self.builder,
                self.description.num_frames,
                grids=grid_names(self.model.streams(branch)),
                category=[known.get((categories or {}).get(video.id), -1) for video in group]
                if known
                else None,
            ).to(device)
            found = self.model.generate(
                graphs, self.tokenizer.special_tokens, branch, decoding=decoding, attention=attention
            )
            texts = self.tokenizer.decode(found.tokens)
            each = len(texts) // len(group)
            num_frames = torch.as_tensor(graphs.num_frames).reshape(-1).tolist()
            for row, (text, tokens, log_probs) in enumerate(
                zip(texts, found.tokens, found.log_probs, strict=True)
            ):
                if tokens.any():  # beam search may find fewer captions than were asked for
                    looked = found.attention_of(row, num_frames[row // each])
                    yield Caption(
                        group[row // each].id,
                        text,
                        tuple(log_probs[tokens != 0].tolist()),
                        {name: weights.cpu() for name, weights in looked.items()},
                    )

    def caption_store(
        self,
        store: FeatureStore,
        video_ids: Sequence[str],
        branch: str | None = None,
        batch_size: int = 64,
        *,
        categories: Mapping[str, str | None] | None = None,
        decoding: Decoding | None = None,
        attention: bool = False,
    ) -> Iterator[Caption]:
        """As :meth:`caption_all`, of a store, whose features must come from the extractors that the model was trained on."""
        branch = branch or self.default_branch
        self.check_extractors(store.extractors, branch)
        # The scene branch alone never touches the objects, on disk or in the graph.
        streams = [name for name in self.model.streams(branch) if name in store.extractors]
        for start in range(0, len(video_ids), batch_size):
            group = [store.read(video_id, streams) for video_id in video_ids[start : start + batch_size]]
            yield from self.caption_all(
                group, branch, batch_size, categories=categories, decoding=decoding, attention=attention
            )

    def check_extractors(self, extractors: Mapping[str, Any], branch: str | None = None) -> None:
        """Refuses features that other extractors made: they would silently give nonsense.

        Raises:
            OptionError: The model has no such branch. DataError: A stream that ``branch`` reads is missing, or its
            extractor or weights differ.
        """
        branch = branch or self.default_branch
        for stream in self.model.streams(branch):
            wanted, found = self.description.extractors.get(stream), extractors.get(stream)
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

    def evaluate(
        self,
        dataset: StoredDataset,
        split: str,
        branch: str | None = None,
        *,
        batch_size: int = 64,
        evaluator: CaptionEvaluator | None = None,
        decoding: Decoding | None = None,
    ) -> Evaluation:
        """Captions every video of a split once and scores the captions.

        Args:
            dataset: Features and references.
            split: "train", "val" or "test".
            branch: "scene" or "object"; None is the branch that the system is tested by.
            evaluator: One of the split's references, to share its tokenised references between calls.
            decoding: How words are chosen; None is greedy.

        Raises: DataError: The split has no videos, or the features come from other extractors than the model's.
            OptionError: ``decoding`` asks for several captions a video.
        """
        if decoding is not None and decoding.captions_per_video > 1:
            raise OptionError(
                f"'captions_per_video' must be 1 where captions are scored, got {decoding.captions_per_video}."
            )
        references = dataset.corpus.references(split)
        if not references:
            raise DataError(
                f"The data set '{dataset.name}' has no videos in the split '{split}'; choose another by split=..."
            )
        branch = branch or self.default_branch
        categories = {video_id: dataset.corpus[video_id].category for video_id in references}
        found = self.caption_store(
            dataset.store, list(references), branch, batch_size, categories=categories, decoding=decoding
        )
        captions = {caption.video_id: caption.text for caption in found}
        evaluator = evaluator or CaptionEvaluator(references)
        digest = hashlib.sha256(json.dumps(sorted(references.items())).encode()).hexdigest()
        scores = evaluator(captions)
        return Evaluation(dataset.name, split, branch, captions, scores, digest, decoding or Greedy())

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

        Nothing in the folder is run: weights are safetensors, the description is checked against a schema. Its extractors
        are names; they are looked up when the first video file is to be described.

        Args:
            path: A folder that ``stgraph train`` wrote; a path is never taken for a hub name.
            device: Where the model goes.
            allow: Dotted names of extractors that may be imported besides those installed; importing runs their code.
            extractor_settings: As in :class:`CaptionPipeline`.

        Raises:
            MissingDataError: No such folder, or it is incomplete. ModelFolderError: It is damaged, or asks for something
            that a model folder may not have.
        """
        folder = from_hub(path) if str(path).startswith("hf://") else Path(path)
        if not folder.is_dir():
            raise MissingDataError(
                f"No model folder at {folder}; train one with 'stgraph train run={folder}'."
            )
        description = read_description(folder)
        model = load_model(folder, description)
        tokenizer = CaptionTokenizer.load(file_inside(folder, "tokenizer.json"))
        if tokenizer.vocab_size != model.settings.vocab_size:
            raise ModelFolderError(
                f"{folder}: the tokenizer has {tokenizer.vocab_size} words, the model {model.settings.vocab_size}; the "
                "files are of different models."
            )
        if getattr(model.settings, "num_categories", 0) != len(description.categories):
            raise ModelFolderError(
                f"{folder}: the description has {len(description.categories)} categories, the model "
                f"{getattr(model.settings, 'num_categories', 0)}; the files are of different models."
            )
        return cls(model.to(device), tokenizer, description, allow, extractor_settings)
