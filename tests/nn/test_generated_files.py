"""PyTorch Geometric generates code for each class of layers; its files must not stay behind."""

import subprocess
import sys


def test_a_layer_leaves_no_file_in_the_folder_of_temporary_files(tmp_path):
    code = (
        "from stgraph.nn import ResidualGCNConv\n"
        "from stgraph.nn.conv.conv_block import pyg_conv\n"
        "import torch\n"
        "conv = ResidualGCNConv(4)\n"
        "pyg_conv('GATv2Conv', 4)\n"
        "assert type(conv).propagate.__module__.endswith('ResidualGCNConv_propagate')\n"
        "size, edges = (2, 2), torch.tensor([[0], [1]])\n"
        "print(conv.propagate(edges, x=torch.ones(2, 4), weight=torch.ones(1), size=size).shape)\n"
    )
    environment = {"PATH": "", "TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "[2, 4]" in done.stdout
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
