from __future__ import annotations

import base64


def forms_of(text: str) -> list[bytes]:
    """The ways in which a text may lie in a file: as it is, as UTF-16, and inside base64 at each of three offsets."""
    forms = [text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")]
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + text.encode())
        # The characters at both ends are made of the neighbors' bits too.
        forms.append(encoded[(0, 2, 3)[offset] : len(encoded) // 4 * 4 - 4])
    return forms
