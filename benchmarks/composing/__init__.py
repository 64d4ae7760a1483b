"""How fast adapters are merged, attached, answered with and fused, beside peft in the same run.

Everything happens on a Llama of random weights with four adapters on all its linear layers. Each part runs in a process
of its own, which holds nothing but what it measures.
"""
