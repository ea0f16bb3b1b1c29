"""What every answer says to the browser about itself."""

from __future__ import annotations

from collections.abc import Mapping

SERVER = "Holdfast"  #: without a version: who may know it asks /api/system

#: OWASP's list of secure headers, as far as it has a meaning for us.
SECURITY: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), payment=(), usb=()",
    "Server": SERVER,
}

#: Only where a certificate is worth something: HSTS on a self-signed one locks people out (RFC 6797 s11.3).
HSTS = {"Strict-Transport-Security": "max-age=31536000"}


def content_security_policy(inline: tuple[str, ...]) -> str:
    """CSP level 3 for a page. `inline`: digests of the scripts in it, as `sha256-...`; no other one runs."""
    scripts = " ".join(["'self'", *(f"'{digest}'" for digest in inline)])
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "connect-src 'self'",
            "font-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"  #: for what is no page
