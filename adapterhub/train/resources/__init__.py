"""What a training runs on and what it takes: devices, precision, memory, the size of a micro-batch, the plan."""
