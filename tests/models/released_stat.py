"""Parameters and videos with the names and axes of the released STAT."""

import numpy as np
import torch
from torch_geometric.data import Batch

from stgraph import VideoGraph

VOCABULARY, WORD, HIDDEN, CHANNELS, MOTION, LOCAL = 9, 5, 6, 4, 7, 3
FRAMES, REGIONS = 5, 2


def random_params(seed, scale=1.0):
    """Parameters of a small model; the stream width differs from that of the LSTM."""
    rng = np.random.default_rng(seed)
    shapes = {
        "Wemb": (VOCABULARY, WORD),
        "ff_state_W": (CHANNELS, HIDDEN),
        "ff_state_b": (HIDDEN,),
        "ff_memory_W": (CHANNELS, HIDDEN),
        "ff_memory_b": (HIDDEN,),
        "ff_local_W": (LOCAL, CHANNELS),
        "ff_local_b": (CHANNELS,),
        "ff_motion_W": (MOTION, CHANNELS),
        "ff_motion_b": (CHANNELS,),
        "decoder_W": (WORD, 4 * HIDDEN),
        "decoder_U": (HIDDEN, 4 * HIDDEN),
        "decoder_b": (4 * HIDDEN,),
        "decoder_Wc": (CHANNELS, 4 * HIDDEN),
        "decoder_W_sel": (HIDDEN, 1),
        "decoder_b_sel": (),
        "ff_logit_lstm_W": (HIDDEN, WORD),
        "ff_logit_lstm_b": (WORD,),
        "ff_logit_ctxglm_W": (CHANNELS, WORD),
        "ff_logit_ctxglm_b": (WORD,),
        "ff_logit_W": (WORD, VOCABULARY),
        "ff_logit_b": (VOCABULARY,),
    }
    for letter in ("g", "m", "l", "lt"):
        shapes[f"decoder_Wc{letter}_att"] = (CHANNELS, CHANNELS)
        shapes[f"decoder_Wd{letter}_att"] = (HIDDEN, CHANNELS)
        shapes[f"decoder_b{letter}_att"] = (CHANNELS,)
        shapes[f"decoder_U{letter}_att"] = (CHANNELS, 1)
        shapes[f"decoder_c{letter}_att"] = (1,)
    return {name: scale * rng.standard_normal(shape) for name, shape in shapes.items()}


def random_videos(seed, count):
    """Streams by their names, with the axes of the released code."""
    rng = np.random.default_rng(seed)
    return {
        "global": rng.standard_normal((count, FRAMES, CHANNELS)),
        "motion": rng.standard_normal((count, FRAMES, MOTION)),
        "local": rng.standard_normal((count, FRAMES, REGIONS, LOCAL)),
    }


def video_of(videos, row):
    return {name: stream[row] for name, stream in videos.items()}


def graphs_of_videos(videos):
    """The same videos as a batch of graphs."""
    graphs = []
    for row in range(len(videos["global"])):
        video = {name: torch.tensor(stream) for name, stream in video_of(videos, row).items()}
        frames, regions = video["local"].shape[:2]
        graphs.append(
            VideoGraph(
                video["local"].flatten(0, 1),
                torch.zeros(2, 0, dtype=torch.long),
                edge_weight=torch.zeros(0),
                frame=torch.arange(frames).repeat_interleave(regions),
                num_frames=frames,
                appearance=video["global"],
                motion=video["motion"],
            )
        )
    return Batch.from_data_list(graphs)


def our_tokens(words):
    """Words of the released code ``[P, L]`` (0 the end mark) as tokens: the begin token first, the last word left out."""
    words = torch.as_tensor(words) + 2
    return torch.cat([torch.ones_like(words[:, :1]), words[:, :-1]], dim=1)
