"""`adapterhub serve`: a registry over HTTP, in the words that clients of the Hugging Face Hub speak."""
