# SPDX-License-Identifier: Apache-2.0
"""TTSR's forward pass line by line, a function of a state dict: no module of the package is used.

Unfold, normalise, one product, maximum, gather, fold, divide by 9: as published.
"""

import torch
import torch.nn.functional as F


def restore(state, lr, lr_up, ref, ref_down_up, depth=(16, 16, 8, 4)):
    """sr, S, T3, T2, T1 for images in [-1, 1] whose sides are multiples of 4."""
    query = extract(state, lr_up)[2]
    key = extract(state, ref_down_up)[2]
    score, textures = search_transfer(query, key, extract(state, ref))
    t1, t2, t3 = textures
    return main_net(state, lr, score, t3, t2, t1, depth), score, t3, t2, t1


def extract(state, image):
    def conv(name, x, padding=1):
        return F.conv2d(x, state[f"LTE.{name}.weight"], state[f"LTE.{name}.bias"], padding=padding)

    x = conv("sub_mean", (image + 1) / 2, padding=0)
    one = F.relu(conv("slice1.0", x))
    x = F.relu(conv("slice2.2", one))
    two = F.relu(conv("slice2.5", F.max_pool2d(x, 2, 2)))
    x = F.relu(conv("slice3.7", two))
    three = F.relu(conv("slice3.10", F.max_pool2d(x, 2, 2)))
    return one, two, three


def search_transfer(query, key, values):
    batch, _, h, w = query.shape
    q = F.normalize(F.unfold(query, 3, padding=1), dim=1)  # [B, 9C, HW]
    k = F.normalize(F.unfold(key, 3, padding=1).transpose(1, 2), dim=2)  # [B, N, 9C]
    score, index = torch.max(torch.bmm(k, q), dim=1)  # [B, HW]
    textures = []
    for value, s in zip(values, (4, 2, 1), strict=True):
        blocks = F.unfold(value, 3 * s, padding=s, stride=s)
        chosen = torch.gather(blocks, 2, index[:, None].expand(-1, blocks.shape[1], -1))
        textures.append(F.fold(chosen, (h * s, w * s), 3 * s, padding=s, stride=s) / 9)
    return score.view(batch, 1, h, w), textures


def main_net(state, lr, score, t3, t2, t1, depth):
    def conv(name, x, stride=1):
        weight, bias = state[f"MainNet.{name}.weight"], state[f"MainNet.{name}.bias"]
        return F.conv2d(x, weight, bias, stride=stride, padding=weight.shape[-1] // 2)

    def chain(name, count, x):
        for i in range(count):
            x = conv(f"{name}.{i}.conv2", F.relu(conv(f"{name}.{i}.conv1", x))) + x
        return x

    def up(x, scale):
        return F.interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False)

    def cat(*x):
        return torch.cat(x, dim=1)

    relu = F.relu

    h = relu(conv("SFE.conv_head", lr))
    x = conv("SFE.conv_tail", chain("SFE.RBs", depth[0], h)) + h

    x11 = x + conv("conv11_head", cat(x, t3)) * score
    x11 = x11 + conv("conv11_tail", chain("RB11", depth[1], x11))

    x21 = x11
    x22 = relu(F.pixel_shuffle(conv("conv12", x11), 2))
    x22 = x22 + conv("conv22_head", cat(x22, t2)) * up(score, 2)
    a = relu(conv("ex12.conv_merge1", cat(x21, relu(conv("ex12.conv21", x22, 2)))))
    b = relu(conv("ex12.conv_merge2", cat(x22, relu(conv("ex12.conv12", up(x21, 2))))))
    x21 = x21 + conv("conv21_tail", chain("RB21", depth[2], a))
    x22 = x22 + conv("conv22_tail", chain("RB22", depth[2], b))

    x31, x32 = x21, x22
    x33 = relu(F.pixel_shuffle(conv("conv23", x22), 2))
    x33 = x33 + conv("conv33_head", cat(x33, t1)) * up(score, 4)
    y12 = relu(conv("ex123.conv12", up(x31, 2)))
    y13 = relu(conv("ex123.conv13", up(x31, 4)))
    y21 = relu(conv("ex123.conv21", x32, 2))
    y23 = relu(conv("ex123.conv23", up(x32, 2)))
    y31 = relu(conv("ex123.conv31_2", relu(conv("ex123.conv31_1", x33, 2)), 2))
    y32 = relu(conv("ex123.conv32", x33, 2))
    a = relu(conv("ex123.conv_merge1", cat(x31, y21, y31)))
    b = relu(conv("ex123.conv_merge2", cat(x32, y12, y32)))
    c = relu(conv("ex123.conv_merge3", cat(x33, y13, y23)))
    x31 = x31 + conv("conv31_tail", chain("RB31", depth[3], a))
    x32 = x32 + conv("conv32_tail", chain("RB32", depth[3], b))
    x33 = x33 + conv("conv33_tail", chain("RB33", depth[3], c))

    y13 = relu(conv("merge_tail.conv13", up(x31, 4)))
    y23 = relu(conv("merge_tail.conv23", up(x32, 2)))
    y = relu(conv("merge_tail.conv_merge", cat(x33, y13, y23)))
    y = conv("merge_tail.conv_tail2", conv("merge_tail.conv_tail1", y))
    return torch.clamp(y, -1, 1)
