"""From stored features and captions to batches."""
