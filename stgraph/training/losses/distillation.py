"""Loss of STG-KD: two language losses and the distillation between the branches."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from stgraph.checking import check_values, checked, described
from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.errors import OptionError
from stgraph.models import CaptioningModel, STGraphCaptioner
from stgraph.training.losses.caption_loss import CaptionLoss, StepCounts, check_label_smoothing
from stgraph.typing import IndexTensor, Positive, check_shape

__all__ = ["DistillationLoss", "token_distillation"]

DIRECTIONS = ("as_printed", "hinton")


@checked
class DistillationLoss(CaptionLoss):
    r"""Language losses of the branches and the divergence between them, each a mean over the batch's real tokens.

    .. math:: L = L_o + \lambda_{sl} L_s + \lambda_d L_{distill}

    A model with a single branch has only the language loss of that branch.

    Args:
        scene_weight: :math:`\lambda_{sl}`.
        distill_weight: :math:`\lambda_d`; 0 leaves distillation out.
        distill_direction: "as_printed", KL(P_s || P_o) as in Eq. 7; "hinton", KL(P_o || P_s) as in the work that the
            paper cites.
        temperature: Temperature of both distributions; the loss is multiplied by its square.
        detach_teacher: Whether to stop the gradients of distillation and features at the object branch.
        feature_weight: Weight of the paper's "Two Branch + L2", the mean squared difference of F_s and F'_o over real
            frames and channels; 0 leaves it out.
        label_smoothing: Of both language losses, as in :class:`~stgraph.training.LanguageLoss`; not in the paper.

    Shapes: logits by branch ``[P, L, V]``, targets ``[P, L]`` (0 is padding) -> scalars by name, "loss" among them.

    Raises:
        OptionError: If the direction is unknown, a weight is negative, the temperature is not above 0, or the smoothing is
            outside [0, 1).

    Reference: Pan et al., CVPR 2020, Eq. 7-8; Hinton et al., arXiv 1503.02531.
    """

    def __init__(
        self,
        *,
        scene_weight: float = 1.0,
        distill_weight: float = 4.0,
        distill_direction: str = "as_printed",
        temperature: float = 1.0,
        detach_teacher: bool = False,
        feature_weight: float = 0.0,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        check_label_smoothing(label_smoothing)
        if distill_direction not in DIRECTIONS:
            raise OptionError(f"'distill_direction' must be one of {DIRECTIONS}, got {distill_direction!r}.")
        lowest = min(scene_weight, distill_weight, feature_weight)
        if lowest < 0:
            raise OptionError(f"Loss weights must not be negative, got {lowest}.")
        if temperature <= 0:
            raise OptionError(f"'temperature' must be above 0, got {temperature}.")
        self.scene_weight, self.distill_weight = scene_weight, distill_weight
        self.feature_weight, self.label_smoothing = feature_weight, label_smoothing
        self.distill_direction, self.temperature, self.detach_teacher = (
            distill_direction,
            temperature,
            detach_teacher,
        )

    def forward(
        self, model: CaptioningModel, batch: CaptionBatch, step: StepCounts | None = None
    ) -> dict[str, Tensor]:
        """All terms by name; see :class:`~stgraph.training.CaptionLoss`.

        Raises:
            OptionError: If the model has no features of its branches to compare, as only STG-KD has them.
        """
        if not isinstance(model, STGraphCaptioner):
            raise OptionError(
                f"'loss' must be of the model's system, '{model.loss_name}', got a DistillationLoss."
            )
        step = StepCounts.of_batch(batch) if step is None else step
        targets = batch.tokens[:, 1:]
        logits, features = model.scores_and_features(
            batch.graphs, batch.tokens[:, :-1], batch.video, targets != 0
        )
        if self.feature_weight and batch.owned is not None:
            owned = batch.owned.repeat_interleave(batch.graphs.num_frames)
            features = {branch: rows[owned] for branch, rows in features.items()}
        return self.from_logits(logits, targets, step.tokens, features, step.frames)

    def from_logits(
        self,
        logits: Mapping[str, Tensor],
        targets: IndexTensor,
        num_tokens: Tensor | Positive | None = None,
        features: Mapping[str, Tensor] | None = None,
        num_frames: Positive | None = None,
    ) -> dict[str, Tensor]:
        """All terms by name, from logits that were computed before.

        Args:
            logits: Logits of each branch, ``[P, L, V]``, or of the M real targets alone, ``[M, V]``.
            targets: Next words, ``[P, L]``; 0 is padding.
            num_tokens: Replaces the count of real tokens if a batch is spread over ranks or accumulated batches.
            features: :math:`F_s` and :math:`F'_o` of the real frames, ``[M, d]``; needed if ``feature_weight`` is not 0.
            num_frames: Replaces M in the mean likewise.

        Raises:
            OptionError: If there is no branch "object" beside others, or a target is no word.
            ShapeError: If a tensor has other axes.
        """
        check_shape("targets", targets, "P L")
        _check_logits(logits, targets)
        if isinstance(num_tokens, Tensor):
            check_shape("num_tokens", num_tokens, "")
        real = targets != 0
        words = targets[real]
        count = real.sum() if num_tokens is None else num_tokens
        chosen = {
            branch: (scores if scores.dim() == 2 else scores[real]).float()
            for branch, scores in logits.items()
        }
        log_probs = {branch: scores.log_softmax(-1) for branch, scores in chosen.items()}
        parts = {
            f"{branch}_language": self._language(found, words) / count for branch, found in log_probs.items()
        }
        weights = {
            name: self.scene_weight if len(chosen) > 1 and name == "scene_language" else 1.0 for name in parts
        }
        if len(chosen) > 1 and self.distill_weight:
            known = log_probs
            if self.temperature != 1:
                known = {
                    branch: (scores / self.temperature).log_softmax(-1) for branch, scores in chosen.items()
                }
            teacher = known["object"].detach() if self.detach_teacher else known["object"]
            divergence = token_distillation(known["scene"], teacher, self.distill_direction)
            parts["distill"] = self.temperature**2 * divergence.sum() / count
            weights["distill"] = self.distill_weight
        if self.feature_weight and features is not None and len(features) > 1:
            teacher = features["object"].detach() if self.detach_teacher else features["object"]
            squares = nn.functional.mse_loss(features["scene"].float(), teacher.float(), reduction="sum")
            frames = len(teacher) if num_frames is None else num_frames
            parts["features"] = squares / (frames * teacher.size(1))
            weights["features"] = self.feature_weight
        total = sum((weights[name] * part for name, part in parts.items()), start=words.new_zeros(()))
        return {"loss": total, **parts}

    def _language(self, log_probs: Tensor, words: Tensor) -> Tensor:
        given = nn.functional.nll_loss(log_probs, words, reduction="sum")
        if self.label_smoothing == 0:
            return given
        return (1 - self.label_smoothing) * given - self.label_smoothing * log_probs.mean(-1).sum()


def _check_logits(logits: Mapping[str, Tensor], targets: Tensor) -> None:
    if not logits or (len(logits) > 1 and set(logits) != {"scene", "object"}):
        raise OptionError(
            f"'logits' must have one branch, or 'scene' and 'object', got {described(dict(logits))}."
        )
    for branch, scores in logits.items():
        if scores.dim() == 2:
            check_shape(f"logits[{branch!r}]", scores, "M V", M=int((targets != 0).sum()))
        else:
            check_shape(f"logits[{branch!r}]", scores, "P L V", P=targets.size(0), L=targets.size(1))
        if not scores.is_floating_point():
            raise OptionError(
                f"'logits[{branch!r}]' must be a floating-point tensor, got {described(scores)}."
            )
        check_values("targets", targets, scores.size(-1))


def token_distillation(log_scene: Tensor, log_teacher: Tensor, direction: str) -> Tensor:
    r"""Divergence between the branches at each token.

    .. math:: -\sum_x P_s(x) \log \frac{P_o(x)}{P_s(x)} \quad\text{(as printed: KL(P_s || P_o))}

    Shapes: log_scene, log_teacher ``[M, V]`` log-probabilities -> ``[M]``.
    """
    first, second = (log_scene, log_teacher) if direction == "as_printed" else (log_teacher, log_scene)
    return (first.exp() * (first - second)).sum(-1)
