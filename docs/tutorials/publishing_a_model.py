"""
Publishing a model
==================

A model that others are to use needs its vocabulary, its graph settings, the names of its extractors, its
scores and a licence. This tutorial makes such a folder, looks at what is in it, and loads it the way
another machine does.
"""

# %%
# A model
# -------
# Any trained captioner will do. This one learns two sentences in a few seconds; its features carry a
# record of what made them.

import logging
import warnings
from functools import partial

import lightning
import torch
from torch.optim import Adam

import stgraph as sg
from stgraph.features.store import ExtractorRecord, FeatureStore, FeatureStoreWriter

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
warnings.filterwarnings("ignore", "Sparse CSR|.*torch.jit.script")
lightning.seed_everything(0, verbose=False)


def write(path, weights):
    """A store of 20 videos whose frames are of one kind or of another."""
    with FeatureStoreWriter(
        path, extractors={"appearance": ExtractorRecord("resnet18", weights, {})}
    ) as writer:
        for number in range(20):
            frames = torch.randn(4, 16) + (3 if number % 2 else -3)
            writer.add(
                sg.VideoFeatures(
                    f"v{number}", (240, 320), torch.arange(4), torch.arange(4) / 2, appearance=frames
                )
            )


write("published.h5", "sha256:1111")
captions = "id,caption,split\n" + "".join(
    f"v{number},{'a dog runs on a beach' if number % 2 else 'a man plays a guitar'},{'train' if number < 12 else 'test'}\n"
    for number in range(20)
)
with open("published.csv", "w", encoding="utf-8") as file:
    file.write(captions)
data = sg.CaptionDataModule.from_store("published.h5", "published.csv", num_frames=4)
model = sg.STGraphCaptioner.for_data(
    data, branches=("scene",), hidden_channels=32, num_layers=1, num_heads=4, feedforward_channels=64
)
captioner = sg.train_captioner(
    model,
    data,
    "runs/published",
    optimizer=partial(Adam, lr=5e-3),
    max_epochs=60,
    enable_progress_bar=False,
    enable_model_summary=False,
)

# %%
# The folder
# ----------

from pathlib import Path

folder = captioner.save_pretrained("share/my-captioner", license="mit")
for path in sorted(Path(folder).iterdir()):
    print(f"{path.stat().st_size / 1000:8.1f} kB  {path.name}")

# %%
# Weights are safetensors, the configuration is JSON that is checked against a schema, and nothing in the
# folder is run as code. The model card is written from what is known; scores of ``stgraph evaluate
# runs/published`` appear on it with their intervals.

print(Path("share/my-captioner/README.md").read_text(encoding="utf-8"))

# %%
# To the hub
# ----------
# With a token of the Hugging Face hub (``hf auth login``), one call uploads it, and users load it by its
# name:
#
# .. code-block:: python
#
#     captioner.push_to_hub("owner/my-captioner", license="mit", folder="runs/published")
#
#     captioner = sg.CaptionPipeline.from_pretrained("hf://owner/my-captioner")
#     print(captioner("cat.mp4").text)
#
# On another machine
# ------------------
# The folder is all that is needed. Here another process, which knows nothing of this one, loads it from
# another place.

import shutil
import subprocess
import sys

Path("elsewhere").mkdir()
shutil.move("share/my-captioner", "elsewhere/my-captioner")
program = """
import stgraph as sg
from stgraph.features.store import FeatureStore

captioner = sg.CaptionPipeline.from_pretrained("elsewhere/my-captioner")
for name in ("v18", "v19"):
    print(name, captioner(FeatureStore("published.h5")[name]).text)
"""
ended = subprocess.run(
    [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
)
print(ended.stdout)

# %%
# How sure the model is of each word, as a picture:

import matplotlib.pyplot as plt

again = sg.CaptionPipeline.from_pretrained("elsewhere/my-captioner")
caption = again(FeatureStore("published.h5")["v19"])
words = [*caption.text.split(), "(end)"]
figure, axes = plt.subplots(figsize=(6, 2.2), layout="constrained")
axes.bar(range(len(words)), torch.tensor(caption.log_probs).exp())
axes.set_xticks(range(len(words)), words)
axes.set_ylim(0, 1)
axes.set_ylabel("probability")
figure

# %%
# The wrong features
# ------------------
# Vectors of another network look the same to a program, and give nonsense. The folder records the
# extractor and the hash of its weights, and refuses a store whose record differs.

from stgraph.errors import StgraphError

write("other.h5", "sha256:2222")
try:
    again.evaluate(sg.CaptionDataModule.from_store("other.h5", "published.csv", num_frames=4), split="test")
except StgraphError as error:
    print(error)
