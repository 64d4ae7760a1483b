"""The server under load, beside nginx and huggingface_hub's own client; its page is serving.md."""
