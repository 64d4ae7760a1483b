"""Models made small: pruned by magnitude, recovered under a mask, quantised to eight bits; what it cost is measured."""
