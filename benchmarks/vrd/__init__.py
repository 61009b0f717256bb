"""Real videos with one short caption each: the systems compared with nearest neighbour on five seeded splits."""
