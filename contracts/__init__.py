"""What crosses a process boundary: messages, workflow inputs, activity inputs and results, status documents.

Every model is frozen and grows only by fields with defaults; unknown fields are ignored, so that an old worker
can decode what a newer one sent. Nothing here imports another package of this project.
"""
