"""Partners that misbehave below HTTP, each a listening socket on loopback."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Say = Callable[[bytes], None]


@contextmanager
def listening(
    behave: Callable[[socket.socket], None], *, tls: ssl.SSLContext | None = None, receive_buffer: int | None = None
) -> Iterator[str]:
    """Its URL; each connection gets `behave` in a thread of its own."""

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), tls.wrap_socket(connection, server_side=True) if tls else connection as spoken_to:
            behave(spoken_to)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        if receive_buffer:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        threading.Thread(target=accept, daemon=True).start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.getsockname()[1]}/hooks"
        server.shutdown(socket.SHUT_RDWR)


def drip(text: bytes, *, every: float, after: bytes = b"") -> Callable[[socket.socket], None]:
    """Hears the caller out, says what comes first at once, then the rest byte by byte."""

    def behave(connection: socket.socket) -> None:
        connection.settimeout(0.1)
        with suppress(TimeoutError):
            while connection.recv(65536):
                pass
        connection.settimeout(None)
        connection.sendall(after)
        for byte in text:
            connection.sendall(bytes([byte]))
            time.sleep(every)

    return behave


def reset(connection: socket.socket) -> None:
    """Closes every connection after the first bytes."""
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


def certified(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS for 127.0.0.1, and the file that makes a client believe it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, unsealed = serialization.Encoding.PEM, serialization.NoEncryption()
    believed, secret = directory / "certificate.pem", directory / "key.pem"
    believed.write_bytes(certificate.public_bytes(encoding))
    secret.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, unsealed))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(believed, secret)
    return context, believed
