"""The community's validator of RO-Crates, offline: the one context that it asks for comes with `rocrate`."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path

import pytest

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILE = "provenance-run-crate"


def validate(crate: Path, scratch: Path, severity: str = "REQUIRED") -> set[str]:
    """Return what the validator finds wrong in a crate; skip where it is not installed, fail where CI=true."""
    try:
        import rocrate  # noqa: F401
        from rocrate_validator import models, services
    except ImportError as error:
        message = f"the validator of RO-Crates is not installed ({error})"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    settings = services.ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier=PROFILE,
        requirement_severity=getattr(models.Severity, severity),
        offline=True,
        cache_path=_cache(scratch / "http"),
    )
    found = services.validate(settings)
    assert found.passed() == (not found.get_issues())
    return {f"{issue.check.identifier}: {issue.message}" for issue in found.get_issues()}


def _cache(path: Path) -> Path:
    """Write the validator's cache of what it would fetch, with the context as the library `rocrate` carries it."""
    from requests import Request
    from requests_cache import CachedRequest, CachedResponse, CachedSession

    text = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
    assert json.loads(text)["@id"] == CONTEXT, "another version of RO-Crate"
    session = CachedSession(str(path), backend="sqlite", expire_after=-1)
    answer = CachedResponse(
        url=CONTEXT,
        status_code=200,
        headers={"Content-Type": "application/ld+json"},
        request=CachedRequest(method="GET", url=CONTEXT, headers={}),
    )
    answer._content = text
    key = session.cache.create_key(Request("GET", CONTEXT, headers={}).prepare())
    session.cache.responses[key] = answer
    session.close()
    return path
