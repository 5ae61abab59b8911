"""A server that takes connections, a thread for each, and answers when a body is there."""

import json
import socket
import ssl
import threading
from contextlib import suppress
from http import HTTPStatus

from asyncup.embedded import Certificate
from benchmarks.sink.bodies import read_body, read_headers, read_object
from benchmarks.sink.ledger import Ledger
from benchmarks.sink.verbs import Answer, Request, answer, parse_target
from benchmarks.sink.wire import Ended, PlainWire, SecureWire, Stream, Wire

CONTROL = "-"
"""In the place of a bucket, which can't be called so: requests to the sink itself."""

_BACKLOG = 1024


def serve(listener: socket.socket, ledger: Ledger, context: ssl.SSLContext | None = None) -> None:
    """Take connections until the listener is closed; over TLS if there is a context."""
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(
                target=_serve_one, args=(connection, ledger, context), daemon=True
            ).start()


def listen() -> socket.socket:
    """Listen on loopback."""
    return socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)


def secured(certificate: Certificate) -> ssl.SSLContext:
    """Return what makes a server's connections those of HTTPS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def _serve_one(connection: socket.socket, ledger: Ledger, context: ssl.SSLContext | None) -> None:
    # Whoever closes a connection between requests, or in the middle of one, may do so.
    with connection, suppress(Ended, OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = PlainWire(connection) if context is None else SecureWire(connection, context)
        stream = Stream(wire)
        while serve_request(stream, wire, ledger):
            pass


def serve_request(stream: Stream, wire: Wire, ledger: Ledger) -> bool:
    """Answer a request, and return whether another one may come."""
    method, target, _ = stream.line().decode("latin-1").split(" ", 2)
    headers = read_headers(stream)
    if headers.get("expect", "").lower() == "100-continue":
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    bucket, key, query = parse_target(target)
    text = b""
    size = 0
    try:
        if method == "POST":
            text = stream.take(int(headers.get("content-length", 0)))
        else:
            read = read_object if method == "PUT" and not query else read_body
            body = read(stream, headers)
            size = body.size
            headers |= body.trailers
    except (Ended, OSError):
        ledger.count_broken()
        raise
    request = Request(
        method=method, bucket=bucket, key=key, query=query, headers=headers, size=size, text=text
    )
    if bucket == CONTROL:
        wire.send(_encode(_control(request, ledger)))
    else:
        wire.send(_encode(answer(request, ledger)))
    return headers.get("connection", "").lower() != "close"


def _control(request: Request, ledger: Ledger) -> Answer:
    """Do what who measures asks for; what there is and what happened is always the answer."""
    match request.key:
        case "reset":
            ledger.reset()
        case "keep":
            ledger.keep(request.query["state"])
        case "restore":
            ledger.restore(request.query["state"])
        case "refuse":
            ledger.refused.add(request.query["operation"])
        case "forget":
            ledger.forget_part(int(request.query["part"]))
    return Answer(xml=json.dumps(ledger.summary()))


def _encode(made: Answer) -> bytes:
    content = made.xml.encode()
    headers = {
        "content-length": str(len(content)),
        "content-type": "application/xml",
        "x-amz-request-id": "SINK",
        **made.headers,
    }
    if made.status is HTTPStatus.NO_CONTENT:
        del headers["content-length"]
    lines = [f"HTTP/1.1 {made.status.value} {made.status.phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content
