# SPDX-License-Identifier: Apache-2.0
"""Keys and shapes of the released TTSR checkpoints, written out."""


def released_layout():
    """Every key of a released checkpoint with its shape."""
    weights = {
        "LTE.sub_mean": (3, 3, 1, 1),
        "LTE.slice1.0": (64, 3, 3, 3),
        "LTE.slice2.2": (64, 64, 3, 3),
        "LTE.slice2.5": (128, 64, 3, 3),
        "LTE.slice3.7": (128, 128, 3, 3),
        "LTE.slice3.10": (256, 128, 3, 3),
        "MainNet.SFE.conv_head": (64, 3, 3, 3),
        "MainNet.SFE.conv_tail": (64, 64, 3, 3),
        "MainNet.conv11_head": (64, 320, 3, 3),
        "MainNet.conv11_tail": (64, 64, 3, 3),
        "MainNet.conv12": (256, 64, 3, 3),
        "MainNet.conv22_head": (64, 192, 3, 3),
        "MainNet.conv21_tail": (64, 64, 3, 3),
        "MainNet.conv22_tail": (64, 64, 3, 3),
        "MainNet.conv23": (256, 64, 3, 3),
        "MainNet.conv33_head": (64, 128, 3, 3),
        "MainNet.conv31_tail": (64, 64, 3, 3),
        "MainNet.conv32_tail": (64, 64, 3, 3),
        "MainNet.conv33_tail": (64, 64, 3, 3),
        "MainNet.ex12.conv12": (64, 64, 1, 1),
        "MainNet.ex12.conv21": (64, 64, 3, 3),
        "MainNet.ex12.conv_merge1": (64, 128, 3, 3),
        "MainNet.ex12.conv_merge2": (64, 128, 3, 3),
        "MainNet.ex123.conv12": (64, 64, 1, 1),
        "MainNet.ex123.conv13": (64, 64, 1, 1),
        "MainNet.ex123.conv21": (64, 64, 3, 3),
        "MainNet.ex123.conv23": (64, 64, 1, 1),
        "MainNet.ex123.conv31_1": (64, 64, 3, 3),
        "MainNet.ex123.conv31_2": (64, 64, 3, 3),
        "MainNet.ex123.conv32": (64, 64, 3, 3),
        "MainNet.ex123.conv_merge1": (64, 192, 3, 3),
        "MainNet.ex123.conv_merge2": (64, 192, 3, 3),
        "MainNet.ex123.conv_merge3": (64, 192, 3, 3),
        "MainNet.merge_tail.conv13": (64, 64, 1, 1),
        "MainNet.merge_tail.conv23": (64, 64, 1, 1),
        "MainNet.merge_tail.conv_merge": (64, 192, 3, 3),
        "MainNet.merge_tail.conv_tail1": (32, 64, 3, 3),
        "MainNet.merge_tail.conv_tail2": (3, 32, 1, 1),
    }
    chains = {"SFE.RBs": 16, "RB11": 16, "RB21": 8, "RB22": 8, "RB31": 4, "RB32": 4, "RB33": 4}
    for chain, blocks in chains.items():
        for i in range(blocks):
            for conv in ("conv1", "conv2"):
                weights[f"MainNet.{chain}.{i}.{conv}"] = (64, 64, 3, 3)
    layout = {}
    for name, shape in weights.items():
        layout[f"{name}.weight"] = shape
        layout[f"{name}.bias"] = shape[:1]
    return layout
