"""Real videos, one short caption each: systems beside nearest neighbour on five seeded splits."""
