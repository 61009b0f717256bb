"""Does REINFORCE raise what it rewards? Runs before it and after it, on validation videos."""
