import torch

from baselines.group_norm import GroupNorm


def test_equals_pytorchs_and_leaves_gradients_to_it():
    torch.manual_seed(0)
    own = GroupNorm(4, 12)
    torch.nn.init.normal_(own.weight)
    torch.nn.init.normal_(own.bias)
    features = 5 + torch.randn(3, 12, 6, 7)
    expected = torch.nn.functional.group_norm(features, 4, own.weight, own.bias)
    channels_last = features.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        found = own(channels_last)
    torch.testing.assert_close(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(channels_last, features, rtol=0, atol=0)  # the input stays as it is
    own(channels_last.requires_grad_()).sum().backward()
    assert channels_last.grad is not None
