"""The engines behind the network chapter: what is asked of the system, and needs more than a line there."""
