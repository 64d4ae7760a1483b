"""What a person does, one verb a file. Each is a function over a desk: a store, and the way to everything else."""
