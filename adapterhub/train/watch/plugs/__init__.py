"""Other programs that are told of a run, each in a file of its own: TensorBoard, MLflow, Weights & Biases."""
