"""An S3 that discards what it is sent, over HTTP and HTTPS: `python -m benchmarks.sink`.

It reads every body to its last byte before it answers, and remembers sizes and the checksums that
it was told; it verifies neither these nor signatures. Of an object that comes without one, it
computes a CRC64NVME, as AWS does. Its first line tells, as JSON, where it is
and which certificate to trust. `GET /-/tally` tells what arrived since `POST /-/reset`.
SIGTERM or Ctrl-C ends it.
"""

import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

_END = {signal.SIGTERM, signal.SIGINT}


def main() -> int:
    """Serve until a signal comes."""
    # OpenSSL reads this when Python loads it, and never again.
    os.environ["OPENSSL_CONF"] = str(Path(__file__).with_name("openssl.cnf"))
    from benchmarks.sink.ledger import Ledger
    from benchmarks.sink.server import listen, secured, serve
    from tests.certificates import make_certificate

    # Blocked before there are threads, so that it comes to nobody but who waits for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _END)
    with tempfile.TemporaryDirectory(prefix="asyncup-sink-") as directory:
        certificate = make_certificate(Path(directory))
        ledger = Ledger()
        plain, secure = listen(), listen()
        for listener, context in ((plain, None), (secure, secured(certificate))):
            threading.Thread(target=serve, args=(listener, ledger, context), daemon=True).start()
        where = {
            "http": f"http://127.0.0.1:{plain.getsockname()[1]}",
            "https": f"https://127.0.0.1:{secure.getsockname()[1]}",
            "ca": str(certificate.issuer),
        }
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        signal.sigwait(_END)
    return 0


if __name__ == "__main__":
    sys.exit(main())
