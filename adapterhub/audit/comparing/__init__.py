"""How alike adapters are: from their factors, never from ΔW."""
