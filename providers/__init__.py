"""Where images and palettes come from: each adapter makes one attempt and raises typed errors."""
