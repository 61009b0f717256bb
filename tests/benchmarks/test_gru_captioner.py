"""The plainest captioner against torch's own GRU over whole sentences."""

import torch

from benchmarks.real_graphs.captions.gru_captioner import GRUCaptioner
from stgraph import VideoGraphBuilder
from stgraph.decoding import Greedy
from stgraph.features import VideoFeatures
from stgraph.graph import graphs_of
from stgraph.text import SpecialTokens


def test_it_is_a_gru_that_reads_the_mean_frame_beside_every_word():
    torch.manual_seed(0)
    videos = [
        VideoFeatures(f"v{n}", (48, 64), torch.arange(n), torch.arange(n) / 2, appearance=torch.randn(n, 6))
        for n in (3, 5)
    ]
    graphs = graphs_of(videos, VideoGraphBuilder(None, None), None)
    model = GRUCaptioner(11, appearance_channels=6, hidden_channels=7, word_channels=4).eval()
    tokens, video = torch.randint(4, 11, (3, 8)), torch.tensor([1, 0, 1])
    logits = model(graphs, tokens, video)["gru"]

    decoder = model.decoder
    gru = torch.nn.GRU(4 + 7, 7, batch_first=True)
    gru.load_state_dict({f"{name}_l0": value for name, value in decoder.gru.state_dict().items()})
    means = torch.stack([each.appearance.mean(0) for each in videos])[video]
    vector = torch.tanh(means @ decoder.video.weight.T + decoder.video.bias)
    read = torch.cat([decoder.embedding(tokens), vector[:, None].expand(-1, 8, -1)], dim=2)
    states, _ = gru(read, vector[None].contiguous())
    torch.testing.assert_close(logits, states @ decoder.output.weight.T + decoder.output.bias)

    special = SpecialTokens()
    words = model.generate(graphs, special, "gru", decoding=Greedy()).tokens
    given = torch.cat([torch.full((2, 1), special.bos), words[:, :-1]], dim=1)
    scores = model(graphs, given, torch.arange(2))["gru"]
    scores[..., list(special.suppress_tokens)] = -torch.inf
    real = words != special.pad
    assert torch.equal(words[real], scores.argmax(-1)[real])
