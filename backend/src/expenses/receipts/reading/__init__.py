"""What runs in the worker process, the only one that decodes a receipt; it imports little else."""
