# SPDX-License-Identifier: Apache-2.0
"""Whether a Ray cluster answers at an address, and takes us: one call, as Ray's own.

A connection says little: firewalls and proxies accept any, and what listens may be something else,
or want a token. Ray itself finds that out after half a minute, or not at all.
"""

import os
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import BackendError
from ..foreign import short

CALL = "/ray.rpc.NodeInfoGcsService/CheckAlive"

NO_PROXY = (("grpc.enable_http_proxy", 0),)
"""As Ray connects."""

REFUSED = (
    "refuses our token, or wants one: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or "
    "RAY_AUTH_TOKEN_PATH to that of the cluster"
)


def refusal(host: str, port: int, seconds: float) -> str | None:
    """What is said of a cluster that does not take us; None where it does.

    Args:
        host: name or number.
        port: of it.
        seconds: that it may take to answer.

    Raises:
        BackendError: we have no token, or no certificate, where we must have one.
        ImportError: grpcio is not installed.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what matters is raised as well
    import grpc

    target = f"dns:///[{host}]:{port}" if ":" in host else f"dns:///{host}:{port}"
    token = _token()
    if not all(x.isascii() and x.isprintable() for _, x in token or ()):
        return REFUSED
    with closing(_channel(grpc, target)) as channel:
        try:
            channel.unary_unary(CALL)(b"", timeout=seconds, metadata=token)
        except grpc.RpcError as error:
            code, details = error.code().name, error.details() or ""
        else:
            return None
    if code == "UNAUTHENTICATED":
        return None if token is None else REFUSED
    why = {
        "UNIMPLEMENTED": "what listens there is no cluster of Ray, or is another port of it",
        "DEADLINE_EXCEEDED": f"no answer within {seconds:g} seconds",
    }.get(code, short(details.rpartition("last error: ")[2] or code, 200))
    return (
        f"cannot be reached ({why}); is it running (ray status), and the port open? "
        "Without --address, this machine alone works"
    )


def _channel(grpc: Any, target: str) -> Any:
    if os.environ.get("RAY_USE_TLS", "0").lower() not in ("1", "true"):
        return grpc.insecure_channel(target, options=NO_PROXY)
    files = [os.environ.get(f"RAY_TLS_{x}") for x in ("CA_CERT", "SERVER_KEY", "SERVER_CERT")]
    try:
        held = [Path(file).read_bytes() if file else None for file in files]
    except OSError as error:
        raise BackendError(
            f"--engine ray: RAY_USE_TLS is set, and {error.filename!r} cannot be read "
            f"({error.strerror})"
        ) from error
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(*held), options=NO_PROXY)


def _token() -> list[tuple[str, str]] | None:
    """The token, from wherever Ray takes it, as a header; None where Ray does not tell it."""
    try:
        loader = import_module("ray._raylet").AuthenticationTokenLoader.instance()
        found = loader.get_token_for_http_header()
    except (ImportError, AttributeError):  # Ray before 2.52 knows none
        return None
    except Exception as error:  # "Token authentication is enabled but ...", and where to put one
        raise BackendError(f"--engine ray: {short(str(error), 400)}") from error
    return [(name.lower(), content) for name, content in found.items()]
