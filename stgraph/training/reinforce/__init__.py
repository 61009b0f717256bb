"""Training on rewards of sampled captions."""
