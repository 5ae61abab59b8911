"""Certificates for servers of our own."""

from pathlib import Path

import trustme

from asyncup.embedded import Certificate


def make_certificate(directory: Path, address: str = "127.0.0.1") -> Certificate:
    """Make a certificate for an address, and its issuer."""
    issuer = trustme.CA()
    issued = issuer.issue_cert(address)
    made = Certificate(directory / "server.pem", directory / "server.key", directory / "issuer.pem")
    issuer.cert_pem.write_to_path(str(made.issuer))
    issued.cert_chain_pems[0].write_to_path(str(made.certificate))
    issued.private_key_pem.write_to_path(str(made.key))
    return made
