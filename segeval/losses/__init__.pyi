"""Made from the declarations by `python docs/make.py`."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from segeval.losses.region import dice_loss as dice_loss
from segeval.losses.region import dice_two_class_loss as dice_two_class_loss
from segeval.losses.region import sensitivity_specificity_loss as sensitivity_specificity_loss
from segeval.losses.region import generalized_dice_loss as generalized_dice_loss
from segeval.losses.region import generalized_wasserstein_dice_loss as generalized_wasserstein_dice_loss
from segeval.losses.region import iou_loss as iou_loss
from segeval.losses.region import tversky_loss as tversky_loss
from segeval.losses.region import focal_tversky_loss as focal_tversky_loss
from segeval.losses.region import log_cosh_dice_loss as log_cosh_dice_loss
from segeval.losses.region import mcc_loss as mcc_loss
from segeval.losses.region import asymmetric_similarity_loss as asymmetric_similarity_loss
from segeval.losses.region import jaccard_metric_loss as jaccard_metric_loss
from segeval.losses.region import dice_semimetric_loss as dice_semimetric_loss
from segeval.losses.pixel import bce_loss as bce_loss
from segeval.losses.pixel import weighted_bce_loss as weighted_bce_loss
from segeval.losses.pixel import cross_entropy_loss as cross_entropy_loss
from segeval.losses.pixel import weighted_cross_entropy_loss as weighted_cross_entropy_loss
from segeval.losses.pixel import focal_loss as focal_loss
from segeval.losses.pixel import focal_star_loss as focal_star_loss
from segeval.losses.pixel import poly1_ce_loss as poly1_ce_loss
from segeval.losses.pixel import poly1_focal_loss as poly1_focal_loss
from segeval.losses.pixel import topk_ce_loss as topk_ce_loss
from segeval.losses.lovasz import lovasz_hinge_loss as lovasz_hinge_loss
from segeval.losses.lovasz import lovasz_sigmoid_loss as lovasz_sigmoid_loss
from segeval.losses.lovasz import lovasz_softmax_loss as lovasz_softmax_loss
from segeval.losses.compound import bce_dice_loss as bce_dice_loss
from segeval.losses.compound import dice_ce_loss as dice_ce_loss
from segeval.losses.compound import combo_loss as combo_loss
from segeval.losses.compound import dice_focal_loss as dice_focal_loss
from segeval.losses.compound import exp_log_loss as exp_log_loss
from segeval.losses.compound import dice_topk_loss as dice_topk_loss
from segeval.losses.compound import asymmetric_unified_focal_loss as asymmetric_unified_focal_loss
from segeval.losses.compound import unified_focal_loss as unified_focal_loss
from segeval.losses.boundary import unet_weighted_ce_loss as unet_weighted_ce_loss
from segeval.losses.boundary import shape_aware_loss as shape_aware_loss
from segeval.losses.shape import boundary_loss as boundary_loss
from segeval.losses.shape import hausdorff_dt_loss as hausdorff_dt_loss
from segeval.losses.shape import log_hausdorff_dt_loss as log_hausdorff_dt_loss
from segeval.losses.shape import distance_penalized_ce_loss as distance_penalized_ce_loss
from segeval.losses.shape import boundary_dou_loss as boundary_dou_loss
from segeval.losses.shape import soft_cldice_loss as soft_cldice_loss
from segeval.losses.shape import dice_cldice_loss as dice_cldice_loss
from segeval.losses.rare import nacl_loss as nacl_loss
from segeval.losses.rare import ohem_ce_loss as ohem_ce_loss
from segeval.losses.rare import blob_loss as blob_loss
from segeval.losses.rare import cbdice_loss as cbdice_loss
from segeval.losses.rare import hausdorff_er_loss as hausdorff_er_loss
from segeval.losses.weights import class_weights as class_weights
from segeval.losses.boundary import unet_weight_map as unet_weight_map
from segeval.losses.training.loss_module import LossModule as LossModule
from segeval.losses.training.modules import DeepSupervision as DeepSupervision
from segeval.losses.training.modules import Sum as Sum

FORMULAS: tuple[str, ...]

class DiceLoss(LossModule):
    def __init__(self, *, smooth: float = 1e-06, denominator: Literal['linear', 'squared'] = 'linear', log: bool = False, legacy: Literal['factor_inside'] | None = None, empty: Literal['zero', 'skip', 'nan'] = 'zero', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class DiceTwoClassLoss(LossModule):
    def __init__(self, *, smooth: float = 1e-06, form: Literal['bounded', 'paper'] = 'bounded', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class SensitivitySpecificityLoss(LossModule):
    def __init__(self, *, lambda_: float = 0.05, eps: float = 1e-05, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class GeneralizedDiceLoss(LossModule):
    def __init__(self, *, weight: Literal['square', 'simple', 'uniform'] | Sequence[float] = 'square', absent: Literal['max', 'zero', 'eps'] = 'max', smooth: float = 1e-06, floor: Literal[0, 1] = 0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class GeneralizedWassersteinDiceLoss(LossModule):
    def __init__(self, *, weighting: Literal['default', 'GDL'] = 'default', smooth: float = 0.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None, dist: Any = None) -> None: ...

class IoULoss(LossModule):
    def __init__(self, *, smooth: float = 1e-06, log: bool = False, empty: Literal['zero', 'skip', 'nan'] = 'zero', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class TverskyLoss(LossModule):
    def __init__(self, *, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1e-06, empty: Literal['zero', 'skip', 'nan'] = 'zero', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class FocalTverskyLoss(LossModule):
    def __init__(self, *, alpha: float = 0.3, beta: float = 0.7, exponent: float = 0.75, smooth: float = 1e-06, empty: Literal['zero', 'skip', 'nan'] = 'zero', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class LogCoshDiceLoss(LossModule):
    def __init__(self, *, smooth: float = 1e-06, denominator: Literal['linear', 'squared'] = 'linear', empty: Literal['zero', 'skip', 'nan'] = 'zero', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class MCCLoss(LossModule):
    def __init__(self, *, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class AsymmetricSimilarityLoss(LossModule):
    def __init__(self, *, beta: float = 1.5, smooth: float = 1e-06, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class JaccardMetricLoss(LossModule):
    def __init__(self, *, variant: Literal[1, 2] = 1, smooth: float = 1e-06, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class DiceSemimetricLoss(LossModule):
    def __init__(self, *, variant: Literal[1, 2] = 1, smooth: float = 1e-06, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class BCELoss(LossModule):
    def __init__(self, *, eps: float | None = None, label_smoothing: float = 0.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class WeightedBCELoss(LossModule):
    def __init__(self, *, weight: float | Literal['target_ratio', 'pred_ratio', 'n_minus_nc'] = 'target_ratio', weight_grad: bool = False, eps: float | None = None, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class CrossEntropyLoss(LossModule):
    def __init__(self, *, eps: float | None = None, label_smoothing: float = 0.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class WeightedCrossEntropyLoss(LossModule):
    def __init__(self, *, weight: Literal['inverse_frequency', 'median_frequency', 'sqrt_inverse', 'n_minus_nc', 'pred_ratio', 'uniform'] | Sequence[float] = 'inverse_frequency', weight_grad: bool = False, eps: float | None = None, label_smoothing: float = 0.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class FocalLoss(LossModule):
    def __init__(self, *, gamma: float = 2.0, class_alpha: Sequence[float] | None = None, detach_modulator: bool = False, eps: float | None = None, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None, mode: Literal['sigmoid', 'softmax'] | None = None, alpha: Any = 0.25) -> None: ...

class FocalStarLoss(LossModule):
    def __init__(self, *, gamma: float = 2.0, beta: float = 1.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class Poly1CELoss(LossModule):
    def __init__(self, *, epsilon: float = 1.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class Poly1FocalLoss(LossModule):
    def __init__(self, *, epsilon: float = 1.0, gamma: float = 2.0, alpha: float | None = 0.25, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class TopKCELoss(LossModule):
    def __init__(self, *, k: float = 10.0, rounding: Literal['floor', 'ceil'] = 'floor', exact: bool = False, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class LovaszHingeLoss(LossModule):
    def __init__(self, *, empty: Literal['value', 'skip'] = 'value', exact: bool = False, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class LovaszSigmoidLoss(LossModule):
    def __init__(self, *, exact: bool = False, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class LovaszSoftmaxLoss(LossModule):
    def __init__(self, *, exact: bool = False, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class BCEDiceLoss(LossModule):
    def __init__(self, *, w_bce: float = 1.0, w_dice: float = 1.0, smooth: float = 1e-06, denominator: Literal['linear', 'squared'] = 'linear', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class DiceCELoss(LossModule):
    def __init__(self, *, w_dice: float = 1.0, w_ce: float = 1.0, smooth: float = 1e-05, label_smoothing: float = 0.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None, batch_dice: bool = False) -> None: ...

class ComboLoss(LossModule):
    def __init__(self, *, alpha: float = 0.5, weight: float = 1.0, smooth: float = 1e-06, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class DiceFocalLoss(LossModule):
    def __init__(self, *, lambda_: float = 0.5, alpha: float = 0.5, beta: float = 0.5, gamma: float = 2.0, class_weight: Sequence[float] | Any | None = None, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class ExpLogLoss(LossModule):
    def __init__(self, *, w_dice: float = 0.8, w_cross: float = 0.2, gamma_dice: float = 0.3, gamma_cross: float = 0.3, eps: float = 1.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class DiceTopKLoss(LossModule):
    def __init__(self, *, w_dice: float = 1.0, w_topk: float = 1.0, k: float = 10.0, rounding: Literal['floor', 'ceil'] = 'floor', smooth: float = 1e-05, exact: bool = False, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None, batch_dice: bool = False) -> None: ...

class AsymmetricUnifiedFocalLoss(LossModule):
    def __init__(self, *, weight: float = 0.5, delta: float = 0.6, gamma: float = 0.5, smooth: float = 1e-07, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class UnifiedFocalLoss(LossModule):
    def __init__(self, *, weight: float = 0.5, delta: float = 0.6, gamma: float = 0.5, smooth: float = 1e-07, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class UNetWeightedCELoss(LossModule):
    def __init__(self, *, w0: float = 10.0, sigma: float = 5.0, class_balance: Literal['inverse_frequency', 'n_minus_nc', 'none'] = 'inverse_frequency', border_on: Literal['background', 'all'] = 'background', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class ShapeAwareLoss(LossModule):
    def __init__(self, *, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class BoundaryLoss(LossModule):
    def __init__(self, *, units: Literal['mm', 'voxel'] = 'mm', convention: Literal['kervadec', 'symmetric'] = 'kervadec', empty: Literal['zero', 'diagonal'] = 'zero', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class HausdorffDTLoss(LossModule):
    def __init__(self, *, alpha: float = 2.0, units: Literal['mm', 'voxel'] = 'mm', one_sided: bool = False, empty: Literal['zero', 'diagonal'] = 'zero', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class LogHausdorffDTLoss(LossModule):
    def __init__(self, *, alpha: float = 2.0, units: Literal['mm', 'voxel'] = 'mm', one_sided: bool = False, empty: Literal['zero', 'diagonal'] = 'zero', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class DistancePenalizedCELoss(LossModule):
    def __init__(self, *, units: Literal['mm', 'voxel'] = 'mm', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class BoundaryDoULoss(LossModule):
    def __init__(self, *, alpha_max: float = 0.8, smooth: float = 1e-05, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class SoftClDiceLoss(LossModule):
    def __init__(self, *, iterations: int = 3, smooth: float = 1.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class DiceClDiceLoss(LossModule):
    def __init__(self, *, alpha: float = 0.5, iterations: int = 3, smooth: float = 1.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class NACLLoss(LossModule):
    def __init__(self, *, lambda_: float = 0.1, norm: Literal['l1', 'l2'] = 'l1', kernel: Literal['mean', 'gaussian'] = 'mean', padding: Literal['zero', 'replicate'] = 'zero', activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class OHEMCELoss(LossModule):
    def __init__(self, *, thresh: float = 0.7, min_kept: int = 100000, exact: bool = False, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class BlobLoss(LossModule):
    def __init__(self, *, alpha: float = 2.0, beta: float = 1.0, smooth: float = 1e-05, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class CbDiceLoss(LossModule):
    def __init__(self, *, iterations: int = 10, smooth: float = 1.0, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

class HausdorffERLoss(LossModule):
    def __init__(self, *, alpha: float = 2.0, erosions: int = 10, activation: Literal['sigmoid', 'softmax', 'none'] | None = None, reduce_over: Literal['case', 'batch', 'micro'] | None = None, reduction: str = 'mean', classes: Literal['all', 'foreground', 'present'] | Sequence[int] | None = None, include_background: bool = True, class_reduction: Literal['mean', 'sum'] | None = None, class_weights: Any = None, weight_scope: Literal['group', 'batch'] = 'group', volumes: Any = None, ignore_index: int | None = None, soft_target: Literal['product', 'l1'] = 'product', has_channels: bool | None = None, validate: bool = True, spacing: Sequence[float] | None = None) -> None: ...

DiceBCELoss = BCEDiceLoss
JaccardLoss = IoULoss
GDLoss = GeneralizedDiceLoss
