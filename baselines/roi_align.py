"""ROIAlign as two matrix products: what makes Mask R-CNN trainable on a CPU.

torchvision's CPU kernel runs on one core, its backward pass too (docs/experiments.md). Bilinear sampling on a grid is
separable, so that pooling one ROI is Y F X^T with Y (rows of the output by rows of the feature map) and X (columns by
columns) holding the interpolation weights, averaged over the samples of a bin: dense, but the work of a matrix product
on all cores, in bf16 where autocast says so. That pays for feature maps of up to about 64x64, which is what a 256-pixel
image has.
"""

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

KERNEL_THREADS = 2
"""Up to so many, torchvision's forward kernel, which runs on one, is faster than the matrix products in float32."""

ROIS_AT_ONCE = 128
"""Bounds the memory for the half-pooled features: 128 x 14 x 64 x 256 values for a mask head."""


class ROIAlign(nn.Module):
    """ROIAlign (He et al. 2017): matrix products on a CPU; torchvision's kernel where that is faster, on a GPU and
    where few threads predict.

    Takes the place of `detectron2.layers.ROIAlign` and has its arguments. sampling_ratio: samples per side of a bin, 0
    for as many as the bin has feature cells. aligned: whether cell centres lie half a cell from the edge of the map, or
    on it and a ROI is at least a cell wide, as in the first version.
    """

    def __init__(self, output_size: tuple[int, int], spatial_scale: float, sampling_ratio: int, aligned: bool = True):
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio
        self.aligned = aligned

    def forward(self, features: Tensor, rois: Tensor) -> Tensor:
        """features: (N, C, H, W). rois: (R, 5), image number and x0, y0, x1, y1 in pixels, ordered by image.
        Returns (R, C, *output_size) in the dtype of `features`."""
        few_threads = features.dtype == torch.float32 and torch.get_num_threads() <= KERNEL_THREADS
        if features.is_cuda or (few_threads and not torch.is_grad_enabled()):
            return roi_align(
                features, rois.to(features), self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned
            )
        height, width = features.shape[-2:]
        x0, y0, x1, y1 = (rois[:, 1:].float() * self.spatial_scale - (0.5 if self.aligned else 0.0)).unbind(1)
        if not self.aligned:
            x1, y1 = torch.maximum(x1, x0 + 1), torch.maximum(y1, y0 + 1)
        rows = interpolation_weights(y0, y1, height, self.output_size[0], self.sampling_ratio).to(features.dtype)
        columns = interpolation_weights(x0, x1, width, self.output_size[1], self.sampling_ratio).to(features.dtype)
        counts = torch.bincount(rois[:, 0].long(), minlength=len(features)).tolist()
        pooled = [
            _pool(image, some_rows, some_columns)
            for image, image_rows, image_columns in zip(
                features.permute(0, 2, 3, 1), rows.split(counts), columns.split(counts), strict=True
            )
            for some_rows, some_columns in zip(
                image_rows.split(ROIS_AT_ONCE), image_columns.split(ROIS_AT_ONCE), strict=True
            )
        ]
        return torch.cat(pooled).permute(0, 3, 1, 2).to(features.dtype)


def interpolation_weights(start: Tensor, end: Tensor, size: int, bins: int, sampling_ratio: int) -> Tensor:
    """How much each of `size` feature cells in a row counts in each of `bins` bins between start and end.

    start, end: (R,) float, in feature cells, cell centres at whole numbers. Returns (R, bins, size). A sample further
    than one cell outside counts as zero, a nearer one takes the border's value.
    """
    length = (end - start) / bins
    samples = torch.full_like(length, sampling_ratio) if sampling_ratio > 0 else length.ceil().clamp(min=0)
    number = torch.arange(int(samples.max()) if len(samples) else 0, device=start.device)
    counted = number < samples[:, None]  # (R, S)
    samples = samples.clamp(min=1)  # an empty ROI has no samples and pools to zero
    within_bin = (number + 0.5) / samples[:, None]
    bin_starts = start[:, None] + torch.arange(bins, device=start.device) * length[:, None]
    positions = bin_starts[:, :, None] + (within_bin * length[:, None])[:, None]  # (R, bins, S)
    counted = counted[:, None] & (positions >= -1) & (positions <= size)
    cells = torch.arange(size, device=start.device, dtype=positions.dtype)
    hat = (1 - (positions.clamp(0, size - 1)[..., None] - cells).abs()).clamp(min=0)
    return (hat * (counted / samples[:, None, None])[..., None]).sum(dim=2)


def _pool(image: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """image: (H, W, C). rows: (R, h, H). columns: (R, w, W). Returns (R, h, w, C)."""
    height, width, channels = image.shape
    count, bins, _ = rows.shape
    half_pooled = rows.flatten(0, 1) @ image.reshape(height, width * channels)
    return columns[:, None] @ half_pooled.view(count, bins, width, channels)
