"""The contract that producers, worker and query API share: events, rows, refs, and nothing that touches the world but the registry."""
