"""The inspector as one file that needs nothing else: to send to a colleague, or to keep in a notebook's output."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import Any

from linus_nb.rendering.inspector.assets import page_script
from linus_nb.rendering.inspector.style import inspector_style


def standalone_page(payload: Mapping[str, Any], fallback: str = "") -> str:
    """Return the inspector of a run as an HTML document.

    It asks for nothing, and a content-security policy forbids it to: only the script and the style sheet that are in
    it, known by their hashes, are let in.

    Args:
        payload: The run, as `inspector.payload` gives it.
        fallback: HTML for who reads it without scripts.

    >>> page = standalone_page({"title": "a <b> run"})
    >>> "default-src 'none'" in page, "a <b> run" in page
    (True, False)
    """
    script, style = page_script(), inspector_style()
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    title = escape(str(payload.get("title", "")))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}, looked into</title>
<style>{style}</style>
</head>
<body class="linus-alone">
<main>
<h1>{title}, looked into</h1>
<div id="linus-page">{fallback or _WITHOUT_SCRIPTS}</div>
</main>
<script type="application/json" id="linus-payload">{json_text(payload)}</script>
<script type="module">{script}</script>
</body>
</html>
"""


_WITHOUT_SCRIPTS = "<p>This page shows a run, and needs scripts to do it. Open it where they are allowed.</p>"


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def json_text(payload: Mapping[str, Any]) -> str:
    r"""Return the payload as JSON that can stand in HTML: no tag can begin or end in it.

    >>> json_text({"title": "</script>"})
    '{"title":"\\u003c/script>"}'
    """
    return json.dumps(payload, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
