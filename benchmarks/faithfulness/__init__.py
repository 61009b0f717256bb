"""Faithfulness of explanations: what removing the boxes that a method calls important does to the words of a caption."""
