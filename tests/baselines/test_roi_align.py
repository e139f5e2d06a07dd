"""ROIAlign as matrix products against torchvision's kernel, values and gradients."""

import pytest
import torch
from torchvision.ops import roi_align

from baselines.roi_align import ROIAlign

ROIS = torch.tensor(
    [
        [0, 10.0, 20.0, 76.0, 86.0],
        [0, -6.0, -3.0, 30.0, 40.0],  # over the edge
        [0, 40.0, 50.0, 40.0, 50.0],  # empty
        [2, 3.3, 100.1, 208.1, 125.7],  # a lying rectangle; image 1 has no ROI
        [2, 200.0, 200.0, 256.0, 256.0],
        [2, 300.0, 300.0, 310.0, 310.0],  # outside
    ]
)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("sampling_ratio", [0, 2])
@pytest.mark.parametrize(("bins", "stride"), [(7, 4), (14, 8), (7, 32)])
def test_equals_torchvision(bins, stride, sampling_ratio, aligned):
    torch.manual_seed(0)
    size = 256 // stride
    features = torch.randn(3, 5, size, size, dtype=torch.float64).float().requires_grad_()
    pooled = ROIAlign((bins, bins), 1 / stride, sampling_ratio, aligned)(features, ROIS)
    expected = roi_align(features, ROIS, (bins, bins), 1 / stride, sampling_ratio, aligned=aligned)
    torch.testing.assert_close(pooled, expected, rtol=0, atol=2e-5)

    with torch.no_grad():
        predicted = ROIAlign((bins, bins), 1 / stride, sampling_ratio, aligned)(features, ROIS)
    torch.testing.assert_close(predicted, expected, rtol=0, atol=2e-5)

    upstream = torch.randn_like(pooled)
    gradient = torch.autograd.grad(pooled, features, upstream)
    expected_gradient = torch.autograd.grad(expected, features, upstream)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-5, atol=1e-4)


def test_no_rois_pool_to_nothing():
    pooled = ROIAlign((7, 7), 0.25, 0)(torch.zeros(2, 3, 64, 64), torch.zeros(0, 5))
    assert pooled.shape == (0, 3, 7, 7)


def test_keeps_the_dtype_of_the_features_under_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        for dtype in (torch.float32, torch.bfloat16):
            assert ROIAlign((7, 7), 0.25, 2)(torch.zeros(3, 4, 64, 64, dtype=dtype), ROIS).dtype == dtype
