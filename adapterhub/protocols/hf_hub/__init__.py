"""The Hugging Face Hub, and whatever else speaks as it does: read through its own client."""
