"""
The three systems, equation by equation
=======================================

STG-KD, STAT and STaTS share one pattern: encode what is seen, and let a language model ask for what it
needs for the next word. This tutorial puts the papers' equations beside the layers that compute them,
and checks each layer against its equation.
"""

# %%
# A small video to compute with: four frames of three boxes each, with appearance vectors.

import torch

import stgraph as sg
from stgraph import nn

torch.manual_seed(0)
T, S = 4, 3  # frames, boxes per frame
D, H, A = 6, 5, 7  # widths of a box, of the language state, of the attention
corner = torch.rand(T * S, 2) * 80
boxes = torch.cat([corner, corner + 15 + torch.rand(T * S, 2) * 40], 1)
features = torch.randn(T * S, D)
frame = torch.arange(T).repeat_interleave(S)
detections = sg.Detections(boxes, torch.ones(T * S), features, frame, num_frames=T, size=(140, 140))


def check(name, layer, equation):
    """Raises an error unless what the layer computes is what the equation says."""
    torch.testing.assert_close(layer, equation, atol=1e-5, rtol=1e-5)
    print(f"{name}: the layer computes the equation, {list(layer.shape)}")


# %%
# STG-KD
# ------
# **Eq. 1 to 3: the graph.** Boxes i and j of a frame are linked by their overlap :math:`\sigma_{ij}`,
# those of a frame and the next one by the cosine of their appearance, each through a softmax over j:
#
# .. math::
#
#     G^{space}_{ij} = \frac{\exp \sigma_{ij}}{\sum_k \exp \sigma_{ik}}, \qquad
#     G^{time}_{ij} = \frac{\exp \cos(o_i, o_j)}{\sum_k \exp \cos(o_i, o_k)}

from torchvision.ops import box_iou

graph = sg.VideoGraphBuilder()(detections)
matrix = torch.zeros(T * S, T * S).index_put((graph.edge_index[0], graph.edge_index[1]), graph.edge_weight)

space = box_iou(boxes[:S], boxes[:S]).softmax(1)
time = torch.cosine_similarity(features[:S, None], features[None, S : 2 * S], dim=-1).softmax(1)
check("Eq. 1", matrix[:S, :S], space)
check("Eq. 2", matrix[:S, S : 2 * S], time)
check("Eq. 3, no other edges", matrix[:S, 2 * S :], torch.zeros(S, (T - 2) * S))

# %%
# The matrix has Eq. 1 in its blocks on the diagonal and Eq. 2 in those to the right of it.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
image = axes.imshow(matrix, cmap="Blues", vmin=0)
axes.set_xticks(range(0, T * S, S), [f"frame {t}" for t in range(T)])
axes.set_yticks(range(0, T * S, S), [f"frame {t}" for t in range(T)])
axes.set_title("G of Eq. 3")
figure.colorbar(image, label="weight")
figure

# %%
# **Eq. 4: the convolution**, with :math:`\Lambda` the diagonal matrix of row sums:
#
# .. math::
#
#     H^{(l+1)} = \mathrm{ReLU}\big(H^{(l)} + \Lambda^{-1/2} G \Lambda^{-1/2} H^{(l)} W^{(l)}\big)

import warnings

warnings.filterwarnings("ignore", "Sparse CSR|.*torch.jit.script")
conv = nn.ResidualGCNConv(D)
root = matrix.sum(1).rsqrt()
expected = (features + (root[:, None] * matrix * root) @ features @ conv.lin.weight.T).relu()
check("Eq. 4", conv(features, graph.edge_index, graph.edge_weight), expected)

# %%
# **Eq. 6: the scene branch** projects frame and clip vectors, and projects both together.
#
# .. math::
#
#     F_s = [F_{2D} W_{2D} ; F'_{3D} W_{3D}]\, W_{fuse}

scene = nn.SceneEncoder(8, 10, motion_channels=9)
appearance, motion = torch.randn(T, 8), torch.randn(T, 9)
both = torch.cat([appearance @ scene.appearance.weight.T, motion @ scene.motion.weight.T], 1)
check("Eq. 6", scene(appearance, motion), both @ scene.fuse.weight.T)

# %%
# **Eq. 7 and 8: distillation.** The scene branch learns from the object branch's distribution of the
# next word. As printed, it is the divergence of the scene's distribution from the object's;
# ``distill_direction="hinton"`` is the other way round.
#
# .. math::
#
#     L = L_o + \lambda_{sl} L_s + \lambda_d \sum_x P_s(x) \log \frac{P_s(x)}{P_o(x)}

from stgraph.training import DistillationLoss

words, vocabulary = 5, 11
logits = {"scene": torch.randn(1, words, vocabulary), "object": torch.randn(1, words, vocabulary)}
targets = torch.randint(1, vocabulary, (1, words))
terms = DistillationLoss(scene_weight=1.0, distill_weight=4.0).from_logits(logits, targets)
p_s, p_o = logits["scene"].softmax(-1), logits["object"].softmax(-1)
divergence = (p_s * (p_s / p_o).log()).sum(-1).mean()
nll = {name: torch.nn.functional.cross_entropy(score[0], targets[0]) for name, score in logits.items()}
check("Eq. 7", terms["distill"], divergence)
check("Eq. 8", terms["loss"], nll["object"] + nll["scene"] + 4 * divergence)

# %%
# STAT
# ----
# An LSTM with state h writes the words. For each word, attention within each frame makes one vector of
# the frame's boxes, and attention over time makes one vector of each stream z: frames, clips, and those
# local vectors. A gate scales their sum.
#
# .. math::
#
#     \hat{l}_i = \sum_j e_{ij}\, l_{ij}, \qquad
#     \mathrm{ctx} = \sigma(w \cdot h + b) \sum_z \sum_i a^z_i z_i, \qquad
#     a^z = \mathrm{softmax}_i\big(u_z \cdot \tanh(W_z z_i + b_z + V_z h)\big)
#
# The layer that turns a query and some vectors into weights is :class:`~stgraph.nn.AdditiveAttention`,
# and the attention of both STAT and STaTS is made of it.

attention = nn.AdditiveAttention(D, H, A)
h, x = torch.randn(1, H), torch.randn(1, T, D)
weights = attention(h, attention.keys(x))
score = torch.tanh(attention.query(h)[:, None] + x @ attention.key.weight.T) @ attention.score.weight[0]
check("weights", weights, score.softmax(1))
print(weights.detach().numpy().round(2))

# %%
# The whole layer, on frames and boxes, and the same from the weights that it returns:

stat = nn.STATAttention(D, H, A, streams=["global", "local"])
frames, regions = torch.randn(1, T, D), features.view(1, T, S, D)
real, real_regions = torch.ones(1, T, dtype=torch.bool), torch.ones(1, T, S, dtype=torch.bool)
found = stat(h, stat.precompute({"global": frames, "local": regions}, real, real_regions))
local = (found.weights["regions"][..., None] * regions).sum(2)
context = sum(
    (found.weights[name][..., None] * z).sum(1) for name, z in (("global", frames), ("local", local))
)
check("STAT's attention", found.vector, stat.gate(h).sigmoid() * context)

# %%
# STaTS
# -----
# Two branches look at the same boxes in the two possible orders. **ST**: boxes first, then time.
# Attention sums the boxes of each frame (Eq. 3), and an LSTM reads the frames; its last state w should
# rank them in their order (Eq. 6 to 8):
#
# .. math::
#
#     w = \mathrm{LSTM}(\hat{x}_1, \dots, \hat{x}_T), \qquad
#     L_{rank} = \sum_t \mathrm{softplus}\big(\langle w, \hat{x}_{t-1} \rangle + \beta - \langle w, \hat{x}_t \rangle\big)

spatio_temporal = nn.SpatioTemporalAttention(nn.RegionAttention(D, H, A), nn.RankedPool(D, margin=1.0))
st = spatio_temporal(h, regions, real_regions, spatio_temporal.precompute(regions, real_regions))
summed = (st.weights["st_regions"][..., None] * regions).sum(2)
_, (w, _) = spatio_temporal.pool.read.lstm(summed)
along = (summed * w[0][:, None]).sum(-1)
check("Eq. 8", st.vector, w[0])
check("Eq. 6, by pair of frames", st.ranking, torch.nn.functional.softplus(along[:, :-1] + 1 - along[:, 1:]))

# %%
# **TS**: time first. A sharp softmax (an argmax as :math:`\tau \to 0`, Eq. 9 to 11) selects a frame by
# the mean of its boxes, and attention sums the boxes of the selected frame:
#
# .. math::
#
#     \hat{x}_{TS} = \sum_t a_t \sum_j e_{tj} x_{tj}, \qquad
#     a = \mathrm{softmax}_t\big(\mathrm{att}(h, \bar{x}_t) / \tau\big)

temporo_spatial = nn.TemporoSpatialAttention(D, H, A, temperature=0.1)
ts = temporo_spatial(h, regions, real_regions, temporo_spatial.precompute(regions, real_regions))
a, e = ts.weights["ts_frames"], ts.weights["ts_regions"]
check("Eq. 9 to 11, softened", ts.vector, (a[..., None, None] * e[..., None] * regions).sum((1, 2)))
print("weights of the frames:", a.detach().numpy().round(2))

# %%
# **Eq. 12** weighs the branches by the language state:
#
# .. math::
#
#     \hat{x} = \tanh\Big(\frac{e^{\beta_1} \hat{x}_{ST} + e^{\beta_2} \hat{x}_{TS}}{e^{\beta_1} + e^{\beta_2}}\Big),
#     \qquad \beta_k = w_k \cdot \tanh(W_k \hat{x}_k + W_h h)

combination = nn.BranchCombination(D, H, A)
vector, shares = combination(h, st.vector, ts.vector)
beta = [
    score((embed(x) + combination.query(h)).tanh())
    for score, embed, x in zip(combination.scores, combination.vectors, (st.vector, ts.vector), strict=True)
]
expected = torch.tanh(
    (beta[0].exp() * st.vector + beta[1].exp() * ts.vector) / (beta[0].exp() + beta[1].exp())
)
check("Eq. 12", vector, expected)
print("weights of ST and TS:", shares.detach().numpy().round(2))

# %%
# Whole models
# ------------
# The models are these layers put together, each with its paper's loss and sizes. They take the same
# graphs, so that one set of data trains all three:

graph.appearance, graph.motion = appearance, motion
data = sg.CaptionDataModule(train=[(graph, ["a box moves", "the box moves"])])
for system in (sg.STGraphCaptioner, sg.STATCaptioner, sg.STaTSCaptioner):
    model = system.for_data(data)
    module = sg.CaptioningModule(model, data.tokenizer)
    size = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    print(f"{system.__name__:17s} {size:5.1f} million weights, {type(module.loss).__name__}")

# %%
# What the papers leave open, and what was chosen here, is on the page of each paper:
# :doc:`/papers/stgkd`, :doc:`/papers/stat`, :doc:`/papers/stats`.
