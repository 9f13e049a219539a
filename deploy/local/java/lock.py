"""Write the locks: resolve what the versions below need, and record every file's size and SHA-256.

    python -m deploy.local.java.lock

Run it after changing a version here, and commit the result. It downloads what the Maven cache lacks and trusts what
the repository answers; from then on, only these exact files are accepted.
"""

import hashlib
import sys

from jgo.maven import MavenContext

from deploy.local.java.artifacts import LOCK_FILE, TESTS_LOCK_FILE, Artifact, write_lock

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
KAFKA_LOGGING = ("org.apache.logging.log4j", "log4j-slf4j-impl")
"""Binds Kafka's SLF4J 1.7 to the log4j that comes with it, of the same version. Without it a broker logs nothing."""

REGISTRY = Artifact("io.apicurio", "apicurio-registry-app", "3.3.3", "all", "tar.gz", "", 0)

FOR_TESTS = (
    Artifact("org.apache.avro", "avro", "1.12.1", "", "jar", "", 0),
    # Runs a page's Java as it is shown: the stack's JVM has no compiler.
    Artifact("org.apache.groovy", "groovy", "5.0.3", "", "jar", "", 0),
)
"""Avro's other needs, such as Jackson, are among Kafka's."""


def main() -> int:
    """Resolve, download, write."""
    context = MavenContext()
    _, nodes = context.resolver.get_dependency_list([context.create_dependency(KAFKA)])
    dependencies = [context.create_dependency(KAFKA)] + [node.dep for node in nodes]
    log4j = next(dependency.version for dependency in dependencies if dependency.artifactId == "log4j-core")
    wanted = [Artifact(d.groupId, d.artifactId, d.version, d.classifier, "jar", "", 0) for d in dependencies]
    wanted += [Artifact(*KAFKA_LOGGING, log4j, "", "jar", "", 0), REGISTRY]
    for file, artifacts in ((LOCK_FILE, wanted), (TESTS_LOCK_FILE, FOR_TESTS)):
        file.write_text(write_lock(_measured(artifact, context) for artifact in artifacts), encoding="utf-8")
        print(f"{len(artifacts)} artifacts in {file}")
    return 0


def _measured(artifact: Artifact, context: MavenContext) -> Artifact:
    path = artifact.download_to(context)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    return Artifact(
        artifact.group, artifact.name, artifact.version, artifact.classifier, artifact.packaging, sha256, size
    )


if __name__ == "__main__":
    sys.exit(main())
