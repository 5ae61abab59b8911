"""The certificate that a server shows, looked at before anything is sent."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore.httpsession import get_cert_path

from asyncup.core.errors import CertificateRejected, ConnectionLost, Fault, TimedOut
from asyncup.edges.inspection import TLSSeen
from asyncup.edges.s3_errors import certificate_rejected, unanswered

_HTTPS = 443


async def look_at_tls(
    url: str, within: float, bundle: object, *, is_checked: bool = True
) -> TLSSeen:
    """Connect to a server, within so many seconds, and look at its certificate.

    Args:
        url: of the server.
        within: how long it may take.
        bundle: a file of certificates to trust, None for those that botocore brings.
        is_checked: whether the certificate has to be trusted; of one that has not, nothing is seen.

    Raises:
        CertificateRejected: it is not trusted.
        UsageError: it does not speak TLS.
        ConnectionLost, TimedOut: there is no server, or it breaks off.
    """
    target = urlsplit(url)
    host, port = target.hostname or "", target.port or _HTTPS
    fault = Fault(action=f"connect to {host}:{port}")
    context = ssl.create_default_context(cafile=str(bundle or get_cert_path(True)))
    if not is_checked:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        rejected = certificate_rejected(fault, error.verify_message)
        told = f"{rejected.fault.message}: {error.verify_message}"
        raise CertificateRejected(replace(fault, message=told), hint=rejected.hint) from error
    except TimeoutError as error:
        raise TimedOut(replace(fault, message=f"no answer within {within:g} s")) from error
    except ssl.SSLError as error:
        raise unanswered(boto.SSLError(endpoint_url=url, error=error), fault) from error
    except OSError as error:
        raise ConnectionLost(
            replace(fault, message=error.strerror or str(error) or "it was broken off"),
            hint="check the --endpoint-url, the name server, and the firewall",
        ) from error
    shown = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    return _read(host, shown.version() or "TLS", shown.getpeercert() or {})


def _read(host: str, version: str, certificate: Mapping[str, Any]) -> TLSSeen:
    names = dict(pair for each in certificate.get("issuer", ()) for pair in each)
    issuer = names.get("organizationName") or names.get("commonName")
    expires = None
    if ends := certificate.get("notAfter"):
        expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
    return TLSSeen(host, version, issuer, expires)
