"""The effect of REINFORCE on the metric that it rewards, on validation videos."""
