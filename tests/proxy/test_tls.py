"""Up to a server that speaks TLS, as the real ones do."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.server import serve
from websockets.exceptions import InvalidStatus

from rtstate.hub import Hub
from rtstate.logs import MemoryLog
from rtstate.proxy import Proxy
from tests.proxy.support import dial, echo

pytestmark = pytest.mark.anyio


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem)
    )
    return file


async def test_tls_goes_up_and_certificates_are_checked(certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    async with (
        serve(echo, "127.0.0.1", 0, ssl=server, max_size=None) as serving,
        MemoryLog() as log,
        Hub(log) as hub,
    ):
        upstream = f"wss://127.0.0.1:{serving.sockets[0].getsockname()[1]}/v1"
        async with Proxy(hub, log, upstream) as proxy:
            await proxy.start("127.0.0.1", 0)
            with pytest.raises(InvalidStatus) as refused:
                await dial(proxy.url)
            assert refused.value.response.status_code == 502
            assert b"shows a certificate that is not trusted: self-signed" in refused.value.response.body
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with Proxy(hub, log, upstream, tls=trusting) as proxy:
            await proxy.start("127.0.0.1", 0)
            async with dial(proxy.url) as client:
                large = bytes(2_000_000)
                await client.send(large)
                assert await client.recv() == large
