import pytest
import torch

from stgraph import Detections, VideoFeatures
from stgraph.datasets import CaptionCorpus, VideoCaptions
from stgraph.datasets.stored_dataset import with_features
from stgraph.errors import DataError, OptionError
from stgraph.features.store import ExtractorRecord, FeatureStoreWriter
from stgraph.graph import GraphConfig
from stgraph.inspection import frame_order
from stgraph.models import ExtractorConfig, ModelConfig, STaTSCaptioner
from stgraph.pipeline import CaptionPipeline
from stgraph.text import CaptionTokenizer
from tests.nn.attention.test_ranked_attention import lstm_weights
from tests.nn.attention.videos import attention_weights
from tests.nn.decoder.test_stats_decoder import decoder_weights
from tests.reference import stats as oracle

WIDTH = 3
# Boxes in each frame of the videos: none missing, gaps, one frame, no two neighbours, no boxes, long.
COUNTS = {
    "a": [2, 1, 3, 1],
    "b": [1, 0, 2, 2, 0, 1],
    "c": [3],
    "d": [1, 0, 2],
    "e": [0, 0, 0],
    "f": [1, 2] * 5,
}
WORDS = "a red square chases the green disc and then it leaves"


def video(name, counts, features):
    frame = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    boxes = torch.tensor([[1.0, 2.0, 9.0, 8.0]]).expand(len(frame), 4)
    time = torch.arange(len(counts)) / 5
    return VideoFeatures(
        id=name,
        size=(24, 32),
        frame_index=torch.arange(len(counts)),
        frame_time=time,
        detections=Detections(
            boxes=boxes,
            scores=torch.full((len(frame),), 0.9),
            features=features,
            frame=frame,
            num_frames=len(counts),
            size=(24, 32),
            time=time,
        ),
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """The videos above, of random features, and "still", whose frames are all alike."""
    path = tmp_path_factory.mktemp("order") / "videos.h5"
    generator = torch.Generator().manual_seed(4)
    records = {"object": ExtractorRecord("detector", "none", {})}
    with FeatureStoreWriter(path, extractors=records) as writer:
        for name, counts in COUNTS.items():
            writer.add(video(name, counts, torch.randn(sum(counts), WIDTH, generator=generator)))
        writer.add(video("still", [2] * 4, torch.randn(2, WIDTH, generator=generator).repeat(4, 1)))
    split = {**dict.fromkeys(COUNTS, "test"), "still": "val", "c": "train"}
    names = [*COUNTS, "still"]
    corpus = CaptionCorpus({name: VideoCaptions(split=split[name], captions=(WORDS,)) for name in names})
    return with_features("shapes", path, corpus)


def captioner(temporal="ranked", attention="st"):
    """Of weights so large that captions differ by video, and w and the frames by word."""
    tokenizer = CaptionTokenizer.from_captions([WORDS])
    settings = {
        "vocab_size": tokenizer.vocab_size,
        "object_channels": WIDTH,
        "attention": attention,
        "temporal": temporal,
        "embedding_channels": 4,
        "attention_channels": 3,
        "word_channels": 5,
        "hidden_channels": 6,
        "max_length": 7,
    }
    torch.manual_seed(24)
    model = STaTSCaptioner(**settings).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    graph = GraphConfig(spatial=None, temporal=None, max_objects=None)
    config = ModelConfig.of(
        model,
        graph=graph,
        num_frames=None,
        extractors={"object": ExtractorConfig(name="detector", weights="none")},
    )
    return CaptionPipeline(model, tokenizer, config)


def by_loop(model, tokens, regions, mask):
    """Shares of each word of one video, pair by pair, in float64."""
    frames_of = [
        [regions[t, s].double() for s in range(mask.size(1)) if mask[t, s]] for t in range(len(mask))
    ]
    decoder = model.decoder.double()
    st = decoder.attention.spatio_temporal
    spatial, lstm = attention_weights(st.spatial.attention), lstm_weights(st.pool.read.lstm)
    shares = []

    def see(state):
        # Frames without regions are no frames: x-hat stands at the place of its frame.
        place = [t for t, frame in enumerate(frames_of) if frame]
        found, _ = oracle.within_frames(state, [frames_of[t] for t in place], spatial)
        w = oracle.read_by_lstm(found, lstm)
        x = dict(zip(place, found, strict=True))
        points = []
        for t in range(1, len(frames_of)):
            if t in x and t - 1 in x:
                ahead, behind = float(w @ x[t]), float(w @ x[t - 1])
                points.append(1.0 if ahead > behind else 0.0 if ahead < behind else 0.5)
        shares.append(sum(points) / len(points))
        return torch.tanh(w)

    words = [decoder.embedding.weight[token] for token in tokens]
    oracle.caption(words, see, decoder_weights(decoder))
    return shares


@torch.no_grad()
def test_equals_the_loops_over_videos_words_and_frames(dataset):
    chosen = captioner()
    found = frame_order(chosen, dataset, "test")
    assert (found.dataset, found.split, found.left_out) == ("shapes", "test", ("d", "e"))
    by_word, spoken = {}, set()
    for name in ("a", "b", "f"):
        graph = chosen.builder.build_batch([dataset.store[name].detections], video_id=[name])
        tokens = chosen.model.generate(graph, chosen.tokenizer.special_tokens).tokens[0].tolist()
        given = [chosen.tokenizer.special_tokens.bos, *(token for token in tokens if token)][:-1]
        spoken.add(tuple(given))
        memory = chosen.model.encode(graph)
        by_word[name] = by_loop(captioner().model, given, memory.regions[0], memory.region_mask[0])
    # Captions differ, in length too, and so do the words of one of them.
    assert len(spoken) == 3
    assert len({len(words) for words in spoken}) > 1
    assert len(set(by_word["f"])) > 1
    expected = {name: sum(shares) / len(shares) for name, shares in by_word.items()}
    assert found.shares == pytest.approx(expected)
    assert found.mean == pytest.approx(sum(expected.values()) / 3)


@pytest.mark.parametrize("temporal", ["mean_ranked", "lstm", "mean_lstm"])
def test_a_videos_share_is_its_own_whatever_the_batch(dataset, temporal):
    chosen = captioner(temporal)
    together, alone = (frame_order(chosen, dataset, "test", batch_size=size) for size in (6, 1))
    assert together.shares == pytest.approx(alone.shares)
    assert together.left_out == alone.left_out
    assert len({round(share, 6) for share in together.shares.values()}) == 3


def test_frames_that_are_alike_count_half(dataset):
    assert frame_order(captioner(), dataset, "val").shares == {"still": 0.5}


def test_what_has_no_order_is_named(dataset):
    with pytest.raises(
        DataError, match=r"'train' of 'shapes' has no video with two real frames .* \(1 videos\)"
    ):
        frame_order(captioner(), dataset, "train")
    for chosen in (captioner("mean"), captioner("mean_ranked", "ts")):
        with pytest.raises(OptionError, match="no ranked attention whose order"):
            frame_order(chosen, dataset, "test")
