"""Caption tasks on real data: what is captioned, the rows of the tables, and the scores."""
