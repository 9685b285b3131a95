"""Whatever people do, in whatever order: everybody sees what they should, and nothing else."""
