"""HTTP as every part of this system speaks it: clients, proxies, bounded bodies, pauses, and why nothing answered."""
