"""The data of a captioning run: graphs, sentences, splits and vocabulary, as a Lightning data module."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader
from torch_geometric.data import Data

from stgraph.checking import checked
from stgraph.datasets.corpus.captions import CaptionCorpus, VideoCaptions
from stgraph.datasets.loading.batch_datasets import PairBatches, RemainingBatches, VideoBatches, batch_loader
from stgraph.datasets.loading.batch_order import PairGroup, pair_batches
from stgraph.datasets.loading.graph_source import GraphList, GraphSource, StoredGraphs
from stgraph.datasets.loading.process_shards import RankShard, deal_out
from stgraph.datasets.registry import open_dataset
from stgraph.datasets.stored_dataset import StoredDataset, with_features
from stgraph.errors import DataError, OptionError
from stgraph.extraction import ExtractionLog
from stgraph.features.video_features import Sampling
from stgraph.graph import VideoGraphBuilder
from stgraph.models import CaptioningModel, DataSummary, ExtractorConfig, ModelConfig
from stgraph.text import CaptionTokenizer, normalise
from stgraph.typing import Natural

if TYPE_CHECKING:
    from stgraph.datasets.corpus.split_files import Splits
    from stgraph.features.store import FeatureStore

__all__ = ["CaptionDataModule"]

LONG_CAPTIONS = ("cut", "drop")
VIDEOS_PER_BATCH = 64  # of validation, test and prediction
Pairs = Sequence[tuple[Data, Sequence[str]]]


@checked
class CaptionDataModule(LightningDataModule):
    """Graphs and sentences of a captioning run, in batches.

    The constructor takes ready-made graphs with their sentences; :meth:`from_store` takes a feature store and captions.

    The order of the training batches is a function of (``seed``, epoch), so that a resumed run meets the same ones.
    ``batch_size`` counts over all processes: each takes its share of every batch, so that what is learned in which step
    does not depend on their number. For that the data module has its trainer reload the training loader every epoch.

    Args:
        train: Training graphs, each with its sentences.
        val: Validation graphs; without any, training keeps the last weights.
        test: Test graphs.
        builder: The builder that made the graphs; a saved model then takes detections and video files, too.
        name: What results call the data set.
        tokenizer: Words <-> ids; None learns the vocabulary from the training sentences.
        min_count: Words that occur less often in the training sentences become unknown.
        max_length: Longer captions are cut to this many words.
        long_captions: "cut", or "drop" to leave captions of ``max_length`` words and more out of the training and of the
            validation loss, as STAT's released code does.
        max_vocabulary: Largest number of words, special tokens apart; rarer ones become unknown. None keeps all.
        batch_size: (video, caption) pairs per batch, over all processes.
        captions_per_video: Captions of a video that share a batch, so that the video is encoded once for them.
        captions_per_epoch: Captions of a video that one epoch uses, drawn anew each epoch; None uses all.
        seed: Seed of the batch order.
        num_workers: Worker processes per loader; 0 reads in the main process.
        validation_captions: Whether validation batches hold the sentences, too, from which the loss is computed.

    Raises:
        DataError: If there is no training graph, or graphs do not fit together.
        OptionError: If a number is out of its range.

    >>> import torch
    >>> from stgraph import VideoGraph
    >>> graph = VideoGraph(torch.ones(1, 2), torch.zeros(2, 0, dtype=torch.long), edge_weight=torch.zeros(0),
    ...                    frame=torch.tensor([0]), num_frames=1)
    >>> data = CaptionDataModule(train=[(graph, ["a dog runs", "a dog"])])
    >>> data.vocab_size, data.widths
    (7, {'object': 2})
    """

    def __init__(
        self,
        train: Pairs,
        val: Pairs = (),
        test: Pairs = (),
        *,
        builder: VideoGraphBuilder | None = None,
        name: str = "graphs",
        **options: Any,
    ) -> None:
        graphs: dict[str, Data] = {}
        captions: dict[str, VideoCaptions] = {}
        for split, pairs in (("train", train), ("val", val), ("test", test)):
            for position, pair in enumerate(pairs):
                graph, sentences = _checked_pair(split, position, pair)
                video_id = graph.get("video_id") or f"{split}-{position}"
                if video_id in graphs:
                    raise DataError(
                        f"The video id '{video_id}' occurs twice, again as item {position} of '{split}'; give each "
                        "graph a 'video_id' of its own."
                    )
                graphs[video_id] = graph
                captions[video_id] = VideoCaptions(split, sentences)
        self._assemble(GraphList(graphs, builder), CaptionCorpus(captions), name=name, **options)

    @classmethod
    def from_store(
        cls,
        store: str | Path,
        captions: str | Path | CaptionCorpus,
        *,
        splits: Splits | None = None,
        builder: VideoGraphBuilder | None = None,
        num_frames: int | None = 10,
        sampling: Sampling = "spread",
        streams: Collection[str] | None = None,
        cache: bool = False,
        val_share: float = 0.1,
        test_share: float = 0.1,
        split_seed: int = 0,
        common: bool = False,
        **options: Any,
    ) -> Self:
        """Data of a feature store and a captions file.

        Args:
            store: Features, as ``stgraph extract`` or ``stgraph store import`` write them.
            captions: A CSV or JSON file in one of the layouts of docs/datasets.md, or a corpus.
            splits: Split of each video, in a layout of docs/datasets.md; None takes those of ``captions``, or draws them.
            builder: Makes the graphs; None is ``VideoGraphBuilder()``, which keeps every box.
            num_frames: Frames that are sampled from each video; None keeps all.
            sampling: "spread", or "chunks" as in STAT; see :meth:`~stgraph.VideoFeatures.sample` and
                :meth:`~stgraph.VideoFeatures.motion_of_frames`.
            streams: Streams to read; None reads all.
            cache: Whether to keep the sampled features in memory.
            val_share: Share of videos drawn for validation if no splits are given.
            test_share: Share of videos drawn for testing if no splits are given.
            split_seed: Seed of that draw.
            common: Whether to keep only videos that captions, splits and features all have, with a warning, instead of
                refusing the others.
            options: Further arguments of the class, such as ``batch_size``.

        Raises:
            MissingDataError: If a file does not exist.
            DataError: If captions and features are of different videos.
        """
        if isinstance(captions, CaptionCorpus):
            dataset = with_features(Path(store).stem, store, captions, common=common)
        else:
            dataset = open_dataset(
                "folder",
                store=str(store),
                captions=str(captions),
                splits=splits,
                val_share=val_share,
                test_share=test_share,
                seed=split_seed,
                common=common,
            )
        return cls.from_dataset(
            dataset,
            builder=builder,
            num_frames=num_frames,
            sampling=sampling,
            streams=streams,
            cache=cache,
            **options,
        )

    @classmethod
    def from_dataset(
        cls,
        dataset: StoredDataset,
        *,
        builder: VideoGraphBuilder | None = None,
        num_frames: int | None = 10,
        sampling: Sampling = "spread",
        streams: Collection[str] | None = None,
        cache: bool = False,
        **options: Any,
    ) -> Self:
        """Data of an opened data set, such as ``open_dataset("msvd", ...)``.

        Args:
            dataset: Features and captions.
            builder: As in :meth:`from_store`.
            num_frames: As in :meth:`from_store`.
            sampling: As in :meth:`from_store`.
            streams: As in :meth:`from_store`.
            cache: As in :meth:`from_store`.
            options: Further arguments of the class.
        """
        corpus, store = dataset.corpus, dataset.store
        categories = corpus.categories("train")
        source = StoredGraphs(
            store,
            VideoGraphBuilder() if builder is None else builder,
            num_frames,
            cache=cache,
            streams=store.extractors if streams is None else streams,
            categories=corpus.category_numbers(categories) if categories else None,
            sampling=sampling,
        )
        return cls.from_source(source, corpus, name=dataset.name, dataset=dataset, **options)

    @classmethod
    def from_source(cls, source: GraphSource, corpus: CaptionCorpus, **options: Any) -> Self:
        """Data of a graph source and a corpus.

        Args:
            source: Graphs by video id.
            corpus: Captions and splits; every captioned video must be in the source.
            options: Further arguments of the class.
        """
        module = cls.__new__(cls)
        module._assemble(source, corpus, **options)
        return module

    def _assemble(
        self,
        source: GraphSource,
        corpus: CaptionCorpus,
        *,
        name: str = "graphs",
        tokenizer: CaptionTokenizer | None = None,
        min_count: int = 1,
        max_length: int = 20,
        long_captions: str = "cut",
        max_vocabulary: int | None = None,
        batch_size: int = 64,
        captions_per_video: int = 1,
        captions_per_epoch: int | None = None,
        seed: int = 0,
        num_workers: int = 0,
        validation_captions: bool = False,
        dataset: StoredDataset | None = None,
    ) -> None:
        super().__init__()
        self.source, self.corpus, self.name, self.dataset = source, corpus, str(name), dataset
        self.batch_size, self.captions_per_video = batch_size, captions_per_video
        self.captions_per_epoch, self.seed, self.num_workers = captions_per_epoch, seed, num_workers
        self.validation_captions = validation_captions
        if not corpus.ids("train"):
            raise DataError(
                "The corpus has no training videos; give some videos the split 'train' in the captions or splits file."
            )
        self._captions = _captions_to_learn(corpus, max_length, long_captions)
        self.batches(0)  # refuses sizes out of range
        if tokenizer is None:
            tokenizer = CaptionTokenizer.from_captions(
                [caption for video in self._train_ids for caption in self._captions[video]],
                min_count=min_count,
                max_length=max_length,
                max_vocabulary=max_vocabulary,
            )
        self.tokenizer = tokenizer

    # -- what models and pipelines take from the data

    @property
    def vocab_size(self) -> int:
        """Number of words, special tokens included."""
        return self.tokenizer.vocab_size

    @property
    def max_length(self) -> int:
        """Largest number of words per caption."""
        return self.tokenizer.max_length

    @property
    def widths(self) -> dict[str, int]:
        """Feature width of each stream."""
        return self.source.widths

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Categories of the training videos, in the order of their numbers."""
        return self.corpus.categories("train")

    @property
    def builder(self) -> VideoGraphBuilder | None:
        """The builder of the graphs; the configuration of a saved model is derived from it."""
        return self.source.builder

    @property
    def num_frames(self) -> int | None:
        """Frames that are sampled from each video; None keeps all."""
        return self.source.num_frames

    @property
    def feature_store(self) -> FeatureStore | None:
        """The store that the graphs are built from; None if they are ready-made."""
        return self.source.store if isinstance(self.source, StoredGraphs) else None

    def references(self, split: str) -> dict[str, list[str]]:
        """The sentences of each video of a split."""
        return self.corpus.references(split)

    def model_config(self, model: CaptioningModel) -> ModelConfig:
        """The configuration of a model trained on these data: graphs, frames and extractors are the data's.

        Raises:
            OptionError: If the builder has a rule without a registered name, or an argument of the model cannot be saved.
        """
        graph = None if self.builder is None else self.builder.config
        return ModelConfig.of(
            model,
            graph=graph,
            num_frames=self.num_frames,
            sampling=self.source.sampling,
            extractors=self._extractor_configs(),
            categories=self.categories if model.num_categories else (),
            data=DataSummary(
                name=str(self.name), videos={s: len(self.corpus.ids(s)) for s in self.corpus.splits}
            ),
        )

    def _extractor_configs(self) -> dict[str, ExtractorConfig]:
        if not isinstance(self.source, StoredGraphs):
            return {}
        seconds = ExtractionLog.load(self.source.store.path).seconds_per_video
        return {
            stream: ExtractorConfig(**asdict(record), seconds_per_video=seconds.get(record.name))
            for stream, record in self.source.extractors.items()
        }

    def read_only(self, streams: Collection[str]) -> None:
        """Reads no other streams of a store from now on, such as those that a model needs."""
        if isinstance(self.source, StoredGraphs):
            self.source.read_only(streams)

    # -- training

    def setup(self, stage: str | None = None) -> None:
        """Has the trainer ask for a new training loader each epoch, as its order and length depend on the epoch."""
        if self.trainer is not None:
            self.trainer.reload_dataloaders_every_n_epochs = 1  # type: ignore[attr-defined]

    def batches(self, epoch: Natural) -> list[list[PairGroup]]:
        """The batches of one epoch, each for all processes together."""
        return pair_batches(
            [len(self._captions[video]) for video in self._train_ids],
            batch_size=self.batch_size,
            captions_per_video=self.captions_per_video,
            captions_per_epoch=self.captions_per_epoch,
            seed=self.seed,
            epoch=epoch,
        )

    def num_batches(self, epoch: Natural) -> int:
        """Batches of an epoch that are trained on: all, or as many as ``Trainer(limit_train_batches=...)`` allows."""
        total = len(self.batches(epoch))
        limit = 1.0 if self.trainer is None else self.trainer.limit_train_batches
        return min(total, limit if isinstance(limit, int) else int(total * limit))

    def train_dataloader(self) -> DataLoader:
        """Batches of the current epoch; those that a resumed run has done are skipped."""
        shards = self.shards(0 if self.trainer is None else self.trainer.current_epoch)
        sampler = RemainingBatches(shards, self._done(len(shards)))
        return batch_loader(
            PairBatches(self.source, self._train_ids, self._tokens), sampler, self.num_workers
        )

    @cached_property
    def _tokens(self) -> list[torch.Tensor]:
        return self._encoded(self._train_ids)

    @cached_property
    def _train_ids(self) -> list[str]:
        """Training videos with a caption to learn from."""
        return [video for video in self.corpus.ids("train") if self._captions[video]]

    def _encoded(self, ids: Sequence[str]) -> list[torch.Tensor]:
        """The captions of each video as ids, all padded to one length."""
        tokens = [self.tokenizer.encode(self._captions[video]) for video in ids]
        width = max(part.size(1) for part in tokens)
        return [torch.nn.functional.pad(part, (0, width - part.size(1))) for part in tokens]

    def shards(self, epoch: Natural) -> list[RankShard]:
        """The part of each batch of an epoch that falls to this rank."""
        counts = [((tokens != 0).sum(1) - 1).tolist() for tokens in self._tokens]
        frames = [self.source.frames_of(video) for video in self._train_ids]
        rank, world_size = self._rank()
        accumulate = 1 if self.trainer is None else self.trainer.accumulate_grad_batches
        batches, end = self.batches(epoch), self.num_batches(epoch)
        return [  # Lightning steps at the last batch it trains on, even if the epoch has more of them
            shard
            for part in (batches[:end], batches[end:])
            for shard in deal_out(
                part, counts, frames, accumulate=accumulate, rank=rank, world_size=world_size
            )
        ]

    def _rank(self) -> tuple[int, int]:
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)

    def _done(self, num_batches: int) -> int:
        """Batches of this epoch that a killed run had done before its last checkpoint."""
        if self.trainer is None or not self.trainer.fit_loop.restarting:
            return 0
        ready = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
        return ready if ready < num_batches else 0

    # -- validation, test, prediction

    def val_dataloader(self) -> DataLoader:
        """Each validation video once, in the order of the ids."""
        return self._videos("val", captions=self.validation_captions)

    def test_dataloader(self) -> DataLoader:
        """Each test video once, in the order of the ids."""
        return self._videos("test")

    def predict_dataloader(self) -> DataLoader:
        """As :meth:`test_dataloader`."""
        return self._videos("test")

    def _videos(self, split: str, *, captions: bool = False) -> DataLoader:
        """Batches of videos, as many on every rank, as ranks wait for each other; a last one may be empty."""
        ids = self.corpus.ids(split)
        rank, world_size = self._rank()
        mine, longest = range(rank, len(ids), world_size), len(range(0, len(ids), world_size))
        rows = [list(mine[start : start + VIDEOS_PER_BATCH]) for start in range(0, longest, VIDEOS_PER_BATCH)]
        tokens = self._encoded(ids) if ids and captions else None
        dataset = VideoBatches(self.source, ids, tokens)
        return batch_loader(dataset, RemainingBatches(rows), self.num_workers)


def _captions_to_learn(corpus: CaptionCorpus, max_length: int, long_captions: str) -> dict[str, list[str]]:
    """The captions of each video that losses are computed of."""
    if long_captions not in LONG_CAPTIONS:
        raise OptionError(f"'long_captions' must be one of {LONG_CAPTIONS}, got {long_captions!r}.")
    found = {video: corpus.captions(video) for video in corpus.ids()}
    if long_captions == "drop":
        found = {
            video: [text for text in captions if len(normalise(text).split()) < max_length]
            for video, captions in found.items()
        }
        if not any(found[video] for video in corpus.ids("train")):
            raise DataError(f"Every training caption has {max_length} words or more; raise 'max_length'.")
    return found


def _checked_pair(split: str, position: int, pair: Any) -> tuple[Data, tuple[str, ...]]:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise DataError(
            f"Item {position} of '{split}' must be a pair (graph, sentences), got {type(pair).__name__}."
        )
    graph, sentences = pair
    if not isinstance(graph, Data):
        raise DataError(
            f"Item {position} of '{split}' must hold a VideoGraph or a PyG Data first, got {type(graph).__name__}."
        )
    if isinstance(sentences, str):
        sentences = [sentences]
    if not isinstance(sentences, Sequence) or not all(isinstance(text, str) for text in sentences):
        raise OptionError(
            f"The sentences of item {position} of '{split}' must be strings, got {sentences!r:.60}."
        )
    return graph, tuple(sentences)
